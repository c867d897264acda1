"""Who a credential belongs to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.rules import Grant, Role
from chalicelib.platform.errors import Unauthenticated
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store, team_store

LONGEST = 4096
"""Characters; a longer credential is refused before it is looked at."""
OPERATOR = "admin"
NOBODY = Principal("anonymous", Kind.USER, "", None, Store(()))
"""The caller of a route that needs no credential: it reaches nothing."""

Authenticate = Callable[[str | None, datetime], Principal]
"""(the Authorization header, now) → the caller. Raises Unauthenticated."""


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Tells callers apart by their bearer token."""

    settings: Settings

    def __call__(self, authorization: str | None, _now: datetime) -> Principal:
        """The caller that an `Authorization: Bearer …` header proves. Raises Unauthenticated."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
            raise Unauthenticated("The request carries no bearer token.")
        return self._operator(token)

    def _operator(self, key: str) -> Principal:
        """The holder of the installation's own key. Its 256 random bits make a slow hash needless."""
        wanted = self.settings.admin_key_sha256.lower()
        digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
        if not wanted or not hmac.compare_digest(digest, wanted):
            raise Unauthenticated(
                "The API key is not known here.", remedy="Check the key, and that it belongs to this endpoint."
            )
        team = self.settings.admin_team
        return Principal(OPERATOR, Kind.OPERATOR, team, Grant(Role.OWNER), team_store(team, narrowed=True), name="operator")
