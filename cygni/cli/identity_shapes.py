"""The parts of the API's answers about people, teams, credentials and the audit trail that the command reads; see shapes.py."""

from __future__ import annotations

from typing import Any, TypedDict


class Scope(TypedDict):
    """A part of a team that a role is narrowed to; the environment `*` is every one of the project."""

    project: str
    environment: str
    role: str


class WantedScope(TypedDict, total=False):
    """A part of a team to narrow a role to; without `role` it is the role that is narrowed."""

    project: str
    environment: str
    role: str


class Whoami(TypedDict):
    """The caller."""

    subject: str
    kind: str
    name: str
    team: str
    role: str
    scopes: list[Scope]


class Device(TypedDict):
    """Where a person approves this device, and what it asks for its tokens with (RFC 8628)."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class Provider(TypedDict):
    """A provider that people sign in with."""

    name: str
    title: str


class Tokens(TypedDict):
    """Tokens; no refresh token for a job."""

    access_token: str
    expires_in: int
    refresh_token: str | None
    team: str


class SignIn(TypedDict):
    """A place where somebody is signed in."""

    id: str
    client: str
    device_name: str
    created_at: str
    last_used_at: str
    current: bool


class Usage(TypedDict):
    """What a team has, and may have."""

    projects: int
    services: int
    previews: int
    most_projects: int
    most_services: int
    most_previews: int


class Team(TypedDict):
    """A team."""

    id: str
    name: str
    region: str
    audit_retention_days: int
    usage: Usage
    created_at: str | None
    version: int


class MyTeam(TypedDict):
    """A team that the caller is in."""

    id: str
    name: str
    role: str
    region: str
    current: bool


class Member(TypedDict):
    """A member of a team."""

    user: str
    name: str
    email: str
    role: str
    scopes: list[Scope]
    joined_at: str
    version: int


class Invitation(TypedDict):
    """An invitation that may still be accepted."""

    id: str
    role: str
    scopes: list[Scope]
    note: str
    invited_by: str
    created_at: str
    expires_at: str


class IssuedInvitation(Invitation):
    """A new invitation."""

    link: str


class Offer(TypedDict):
    """What an invitation offers."""

    team: str
    team_name: str
    role: str
    scopes: list[Scope]
    expires_at: str


class ApiKey(TypedDict):
    """An API key without its secret."""

    id: str
    name: str
    prefix: str
    role: str
    scopes: list[Scope]
    created_by: str
    created_at: str
    expires_at: str
    last_used_at: str | None
    old_secret_until: str | None
    version: int


class IssuedApiKey(ApiKey):
    """A key with its secret."""

    key: str


class Trust(TypedDict):
    """Workflows of GitHub Actions that may sign in."""

    id: str
    name: str
    repository: str
    repository_id: str | None
    ref: str | None
    environment: str | None
    role: str
    scopes: list[Scope]
    created_by: str
    created_at: str


class Head(TypedDict):
    """The newest line of an audit trail."""

    team: str
    seq: int
    digest: str


class Line(TypedDict):
    """One line of an audit trail; chain.py says what its digest covers."""

    seq: int
    at: str
    actor: str
    actor_kind: str
    operation: str
    resource: str
    outcome: str
    code: str
    request: str
    before: str
    after: str
    source: str
    salt: str
    seal: str
    expires: int
    previous_expires: int
    previous: str
    digest: str


Person = dict[str, Any]
"""All that is kept of a person, as the API sends it."""
