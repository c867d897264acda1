"""Who a credential belongs to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

from chalicelib.identity.apikeys import authenticate_key
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.principal import OPERATOR, Kind, Principal
from chalicelib.identity.regions import refuse_other_region
from chalicelib.identity.rules import Grant, Role, Scope
from chalicelib.identity.tokens import AccessClaims, verify
from chalicelib.platform.errors import Unauthenticated
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store, team_store

LONGEST = 4096
"""Characters; a longer credential is refused before it is looked at."""
NOWHERE = Store(())
"""The store of whoever has no team: it reaches nothing."""
NOBODY = Principal("anonymous", Kind.USER, "", None, NOWHERE)
"""The caller of a route that needs no credential."""

Authenticate = Callable[[str | None, datetime], Principal]
"""(the Authorization header, now) → the caller. Raises Unauthenticated, WrongRegion, and Transient."""


@dataclass(frozen=True, slots=True)
class Authenticator:
    """Tells callers apart by their bearer token: an API key, the operator's key, or an access token."""

    settings: Settings
    keys: LiveKeys

    def __call__(self, authorization: str | None, now: datetime) -> Principal:
        """The caller that an `Authorization: Bearer …` header proves. Raises Unauthenticated, WrongRegion, and Transient."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or len(token) > LONGEST:
            raise Unauthenticated("The request carries no bearer token.")
        operator = self._operator(token)
        if operator is not None:
            return operator
        return self._holder(token, now) if token.count(".") == 2 else authenticate_key(token, now, self.settings)

    def _holder(self, token: str, now: datetime) -> Principal:
        """The holder of an access token: all of it is in the token, and nothing is looked up."""
        settings = self.settings
        claims = verify(token, self.keys, issuer=settings.issuer, audience=settings.audience, now=now)
        refuse_other_region(settings, claims.region)
        store = team_store(claims.team) if claims.team else NOWHERE
        return Principal(
            claims.subject,
            Kind(claims.kind),
            claims.team,
            _grant(claims),
            store,
            name=claims.name,
            since=claims.issued_at,
            session=claims.session,
        )

    def _operator(self, key: str) -> Principal | None:
        """The holder of the installation's own key, whatever it looks like. Its 256 random bits make a slow hash needless."""
        wanted = self.settings.admin_key_sha256.lower()
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        if not wanted or not hmac.compare_digest(digest, wanted):
            return None
        team = self.settings.admin_team
        return Principal(OPERATOR, Kind.OPERATOR, team, Grant(Role.OWNER), team_store(team), name="operator")


def _grant(claims: AccessClaims) -> Grant | None:
    """The grant that a token says. Raises Unauthenticated for a role that this version does not know."""
    if not claims.team:
        return None
    try:
        scopes = tuple(Scope(project, environment, Role(role)) for project, environment, role in claims.scopes)
        return Grant(Role(claims.role), scopes)
    except ValueError:
        raise Unauthenticated("The access token is not valid here.", remedy="Get a new one with the refresh token.") from None
