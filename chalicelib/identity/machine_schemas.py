"""What the API takes and gives about credentials of machines: API keys and trusts."""

from __future__ import annotations

from pydantic import Field

from chalicelib.identity.rules import Grant, Role
from chalicelib.identity.schemas import Days, KeyName, Scopes, ScopeView, grant_of
from chalicelib.platform.schema import Input, Moment, NextCursor, Output


class NewApiKey(Input):
    """An API key for a machine."""

    name: KeyName
    role: Role
    scopes: Scopes = ()
    expires_in_days: Days = 90

    @property
    def grant(self) -> Grant:
        """What it may do."""
        return grant_of(self.role, self.scopes)


class RotateApiKey(Input):
    """How long the old secret stays valid beside the new one."""

    overlap_hours: int = Field(24, ge=0, le=168)


class ApiKeyView(Output):
    """An API key, without its secret."""

    id: str
    name: str
    prefix: str = Field(description="What the key begins with, to tell keys apart.")
    role: Role
    scopes: tuple[ScopeView, ...]
    created_by: str
    created_at: Moment
    expires_at: Moment
    last_used_at: Moment | None = Field(description="To the hour.")
    old_secret_until: Moment | None = Field(description="Until when the secret before the newest is valid, too.")
    version: int


class ApiKeyPage(Output):
    """A page of API keys."""

    items: tuple[ApiKeyView, ...]
    next_cursor: NextCursor = None


class IssuedApiKey(ApiKeyView):
    """A key with its secret, which is shown once."""

    key: str


class NewTrust(Input):
    """GitHub Actions workflows that may sign in without a stored secret, and as what."""

    name: KeyName
    repository: str = Field(
        pattern=r"^[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}$", description="owner/name, as GitHub spells it."
    )
    repository_id: str | None = Field(
        None, pattern=r"^\d{1,20}$", description="GitHub's number of it: a repository that takes the name over has another."
    )
    ref: str | None = Field(
        None, max_length=200, description="refs/heads/main, or a pattern with * such as refs/tags/v*; by default any branch."
    )
    environment: str | None = Field(None, max_length=100, description="The GitHub environment that a job must run in.")
    role: Role
    scopes: Scopes = ()

    @property
    def grant(self) -> Grant:
        """What it may do."""
        return grant_of(self.role, self.scopes)


class TrustView(Output):
    """A trust."""

    id: str
    name: str
    repository: str
    repository_id: str | None
    ref: str | None
    environment: str | None
    role: Role
    scopes: tuple[ScopeView, ...]
    created_by: str
    created_at: Moment


class TrustPage(Output):
    """A page of trusts."""

    items: tuple[TrustView, ...]
    next_cursor: NextCursor = None
