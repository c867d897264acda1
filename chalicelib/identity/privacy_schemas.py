"""What the API gives to people about themselves: all that is kept of them."""

from __future__ import annotations

from pydantic import Field

from chalicelib.audit.schemas import LineView
from chalicelib.identity.rules import Role
from chalicelib.identity.schemas import ScopeView
from chalicelib.platform.schema import Cursor, Input, Moment, NextCursor, Output


class ExportQuery(Input):
    """Which page of an export is wanted."""

    cursor: Cursor | None = None


class ProfileView(Output):
    """Who somebody is, as their sign-in provider said last."""

    name: str
    email: str
    created_at: Moment


class LoginView(Output):
    """A login that leads to the person."""

    provider: str
    issuer: str
    subject: str
    created_at: Moment


class PartView(Output):
    """A team that the person is in, with its copy of their name and address, and the invitation they accepted."""

    team: str
    role: Role
    scopes: tuple[ScopeView, ...]
    name: str
    email: str
    joined_at: Moment
    invitation: str = Field(description="Empty for whoever founded the team.")
    invited_by: str


class PastPartView(Output):
    """A team that the person was in. It is forgotten when the team's audit trail of that time has expired."""

    team: str
    left_at: Moment


class KeptSessionView(Output):
    """A sign-in that has not ended, without its secrets."""

    id: str
    client: str
    device_name: str
    team: str
    created_at: Moment
    last_used_at: Moment


class ExportView(Output):
    """All that is kept of a person. Pages after the first hold only `audit`."""

    user: str
    profile: ProfileView | None
    logins: tuple[LoginView, ...]
    teams: tuple[PartView, ...]
    past_teams: tuple[PastPartView, ...]
    sessions: tuple[KeptSessionView, ...]
    audit: tuple[LineView, ...] = Field(description="What the person did in the teams they are in, newest first in each.")
    next_cursor: NextCursor = None
