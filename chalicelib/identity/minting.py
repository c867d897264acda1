"""Making access tokens: who somebody is and where they stand, under the key that signs now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.standing import Standing
from chalicelib.identity.tokens import LIFE, AccessClaims, Kind, mint

EXPIRES_IN = int(LIFE.total_seconds())


@dataclass(frozen=True, slots=True)
class Holder:
    """Whom a token is for. `session` is what ends it before its time."""

    subject: str
    kind: Kind
    name: str
    session: str


@dataclass(frozen=True, slots=True)
class Minter:
    """Makes the tokens of one installation."""

    keys: LiveKeys
    issuer: str
    audience: str

    def access_token(self, holder: Holder, standing: Standing, now: datetime, token_id: str) -> str:
        """An access token. Raises Transient when no key signs, and TooLarge for a grant of too many scopes."""
        grant = standing.grant
        claims = AccessClaims(
            subject=holder.subject,
            kind=holder.kind,
            team=standing.team,
            region=standing.region,
            role=grant.role.value if grant else "",
            scopes=tuple((each.project, each.environment, each.role.value) for each in grant.scopes) if grant else (),
            session=holder.session,
            name=holder.name,
            issued_at=now,
            expires_at=now + LIFE,
            id=token_id,
        )
        return mint(claims, self.keys.signer(), issuer=self.issuer, audience=self.audience)
