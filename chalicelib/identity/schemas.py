"""What the API takes and gives about people, teams and credentials."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from chalicelib.identity.rules import ANYWHERE, Grant, Role, Scope
from chalicelib.platform.names import Name
from chalicelib.platform.schema import Input, Moment, NextCursor, Output

TeamName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$"),
    Field(description="For people; teams are told apart by their ids."),
]
KeyName = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60, pattern=r"^\S(.*\S)?$"),
    Field(description="What it is for, for people."),
]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[\x21-\x7e]+$")]
Days = Annotated[int, Field(ge=1, le=730)]


class NewScope(Input):
    """A part of a team that a role is narrowed to."""

    project: Name
    environment: Name | Literal["*"] = Field(ANYWHERE, description="An environment of the project, or * for all.")
    role: Role | None = Field(None, description="The role there; by default the role that is narrowed.")


Scopes = Annotated[tuple[NewScope, ...], Field(max_length=20, description="What the role is narrowed to; empty: the team.")]


def grant_of(role: Role, scopes: tuple[NewScope, ...]) -> Grant:
    """The grant that a request asks for."""
    return Grant(role, tuple(Scope(each.project, each.environment, each.role or role) for each in scopes))


class ScopeView(Output):
    """A part of a team that a role is narrowed to."""

    project: str
    environment: str = Field(description="An environment of the project, or * for all.")
    role: Role


def scope_views(grant: Grant | None) -> tuple[ScopeView, ...]:
    """What a grant is narrowed to."""
    scopes = grant.scopes if grant else ()
    return tuple(ScopeView(project=each.project, environment=each.environment, role=each.role) for each in scopes)


class WhoamiView(Output):
    """The caller."""

    subject: str = Field(description="Id of the user, the API key or the federated caller.")
    kind: str = Field(description="operator, user, key or federated.")
    name: str
    team: str = Field(description="Id of the team that requests are about; empty when none is chosen.")
    role: str = Field(description="owner, admin, developer or viewer; empty without a team.")
    scopes: tuple[ScopeView, ...] = Field(description="What the role is narrowed to; empty when it is for the whole team.")


# --- sign-in


class ProviderView(Output):
    """A provider that people may sign in with."""

    name: str
    title: str


class ProvidersView(Output):
    """The providers of this installation."""

    items: tuple[ProviderView, ...]


class NewDevice(Input):
    """A device that wants to sign in (RFC 8628)."""

    client_id: Literal["cygni-cli"] = "cygni-cli"
    device_name: str = Field("", max_length=100, description="Shown to the person who approves it.")


class DeviceView(Output):
    """Where a person approves a device, and what the device asks the token endpoint with (RFC 8628)."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int = Field(description="Seconds.")
    interval: int = Field(description="Seconds between two requests of the token endpoint.")


class TokenRequest(Input):
    """A request of the token endpoint (RFC 6749, 8628, 8693), as a form or as JSON."""

    grant_type: Literal[
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:device_code",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ]
    client_id: Literal["cygni-cli"] = "cygni-cli"
    device_code: Secret | None = None
    refresh_token: Secret | None = None
    subject_token: str | None = Field(None, max_length=8192, description="A token of GitHub Actions' issuer.")
    subject_token_type: Literal["urn:ietf:params:oauth:token-type:jwt"] | None = None
    team: str | None = Field(None, max_length=64, description="Id of the team that the access token is for.")


class TokenView(Output):
    """Tokens (RFC 6749). The refresh token replaces the one that was sent."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind, no secret
    expires_in: int = Field(description="Seconds.")
    refresh_token: str | None = Field(description="Null for federated callers, which sign in anew.")
    team: str = Field(description="Empty when the person is in no team.")
    issued_token_type: str | None = Field(None, description="What an exchange gave (RFC 8693); null for other grants.")


class SessionView(Output):
    """A sign-in that has not ended."""

    id: str
    client: str
    device_name: str
    created_at: Moment
    last_used_at: Moment
    current: bool


class SessionPage(Output):
    """The caller's sign-ins, newest first."""

    items: tuple[SessionView, ...]
    next_cursor: NextCursor = None


# --- teams


class NewTeam(Input):
    """A team to create; whoever creates it owns it."""

    name: TeamName
    region: str | None = Field(None, max_length=32, description="Where the team's data lives; by default this installation's.")


class ChangeTeam(Input):
    """New settings of a team."""

    name: TeamName
    audit_retention_days: Days | None = Field(None, description="How long lines of the audit trail are kept from now on.")


class TeamUsage(Output):
    """What a team has, and may have."""

    projects: int
    services: int
    previews: int
    most_projects: int
    most_services: int
    most_previews: int


class TeamView(Output):
    """A team."""

    id: str
    name: str
    region: str = Field(description="Where all its data is written.")
    audit_retention_days: int
    usage: TeamUsage
    created_at: Moment | None
    version: int = Field(description="Rises with each change; the ETag.")


class MyTeamView(Output):
    """A team that the caller is a member of."""

    id: str
    name: str
    role: Role
    region: str
    current: bool = Field(description="Whether requests with this token are about it.")


class MyTeams(Output):
    """The caller's teams."""

    items: tuple[MyTeamView, ...]
    next_cursor: NextCursor = None


class MemberView(Output):
    """A member of a team."""

    user: str
    name: str
    email: str
    role: Role
    scopes: tuple[ScopeView, ...]
    joined_at: Moment
    version: int


class MemberPage(Output):
    """A page of members."""

    items: tuple[MemberView, ...]
    next_cursor: NextCursor = None


class ChangeMember(Input):
    """A member's new role."""

    role: Role
    scopes: Scopes = ()


class TransferTeam(Input):
    """Who is to own the team; the caller becomes an Admin."""

    user: str = Field(max_length=64)


class NewInvitation(Input):
    """An invitation to a team."""

    role: Role
    scopes: Scopes = ()
    note: str = Field("", max_length=200, description="For whom it is; shown in the list of invitations.")
    expires_in_hours: int = Field(72, ge=1, le=720)


class InvitationView(Output):
    """An invitation, without what is secret in it."""

    id: str
    role: Role
    scopes: tuple[ScopeView, ...]
    note: str
    invited_by: str
    created_at: Moment
    expires_at: Moment


class InvitationPage(Output):
    """A page of invitations that may still be accepted."""

    items: tuple[InvitationView, ...]
    next_cursor: NextCursor = None


class IssuedInvitation(InvitationView):
    """A new invitation with its link, which is shown once."""

    link: str


class InvitationToken(Input):
    """The token of an invitation, or its whole link."""

    token: Annotated[str, StringConstraints(min_length=1, max_length=600)]


class OfferView(Output):
    """What an invitation offers to whoever holds its link."""

    team: str
    team_name: str
    role: Role
    scopes: tuple[ScopeView, ...]
    expires_at: Moment
