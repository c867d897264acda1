"""Short ways to keys, claims and tokens, good and forged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from chalicelib.identity import signing
from chalicelib.identity.es256 import load_private
from chalicelib.identity.keymaking import make_key
from chalicelib.identity.livekeys import LiveKeys
from chalicelib.identity.rotation import Rotation, revoke, rotate
from chalicelib.identity.signing import POLICY, KeyPair, KeyPolicy, KeySet, SigningKey
from chalicelib.identity.tokens import AccessClaims, mint, verify
from chalicelib.platform.strict import encode_base64url
from tests.fakes.secrets import FakeSecrets
from tests.support.world import Clock

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ISSUER, AUDIENCE = "https://api.cygni.test", "cygni"
NAME = "cygni/signing-keys"
MINUTE = timedelta(minutes=1)


@dataclass
class Namer:
    """Makes keys that only have a name, quickly."""

    made: int = 0

    def __call__(self) -> KeyPair:
        self.made += 1
        name = f"key-{self.made}"
        return KeyPair(
            name, f"PRIVATE {name}", {"kty": "EC", "crv": "P-256", "x": f"x-{name}", "y": f"y-{name}", "d": "PRIVATE"}
        )


@cache
def spare_key(number: int = 0) -> SigningKey:
    """A real key that is in nobody's set, always the same for a number."""
    pair = make_key()
    return SigningKey(pair.kid, pair.private_pem, pair.public_jwk, created_at=T0, signs_from=T0)


def claims(now: datetime = T0, **changes: Any) -> AccessClaims:
    """Ada's token, minted at `now` for as long as one may live."""
    ada = AccessClaims(
        subject="usr_ada",
        kind="user",
        team="team_acme",
        region="eu-central-1",
        role="developer",
        scopes=(("hello", "prod", "viewer"),),
        session="ses_1",
        name="Ada Lovelace",
        issued_at=now,
        expires_at=now + 15 * MINUTE,
        id="tok_1",
    )
    return replace(ada, **changes)


@dataclass
class Place:
    """A store of keys, a clock, and the processes that mint and verify by them."""

    policy: KeyPolicy = POLICY
    clock: Clock = field(default_factory=lambda: Clock(T0))
    secrets: FakeSecrets = field(default_factory=FakeSecrets)

    def process(self) -> LiveKeys:
        """The keys as one more process knows them."""
        return LiveKeys(lambda: self.secrets.read(NAME), self.clock)

    def rotate(self) -> Rotation:
        return rotate(self.secrets, NAME, self.clock.now, policy=self.policy)

    def revoke(self, kid: str) -> Rotation:
        return revoke(self.secrets, NAME, kid, self.clock.now, policy=self.policy)

    def keys(self) -> KeySet:
        return signing.from_text(self.secrets.values[NAME])

    def token(self, keys: LiveKeys, **changes: Any) -> str:
        return mint(claims(self.clock.now, **changes), keys.signer(), issuer=ISSUER, audience=AUDIENCE)

    def verify(self, token: str, keys: LiveKeys) -> AccessClaims:
        return verify(token, keys, issuer=ISSUER, audience=AUDIENCE, now=self.clock.now)


def payload(now: datetime = T0, **changes: Any) -> dict[str, Any]:
    """The claims of Ada's token as they are on the wire; a change to None leaves the claim out."""
    at = int(now.timestamp())
    whole = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "usr_ada",
        "iat": at,
        "exp": at + 900,
        "jti": "tok_1",
        "kind": "user",
        "team": "team_acme",
        "region": "eu-central-1",
        "role": "developer",
        "scopes": [["hello", "prod", "viewer"]],
        "sid": "ses_1",
        "name": "Ada Lovelace",
    } | changes
    return {name: value for name, value in whole.items() if value is not None}


def segment(value: Mapping[str, Any] | bytes) -> str:
    """A part of a token: of JSON, or of bytes as they are."""
    return encode_base64url(value if isinstance(value, bytes) else json.dumps(value).encode())


def sign(header: Mapping[str, Any] | bytes, body: Mapping[str, Any] | bytes, key: SigningKey) -> str:
    """A token with any header and payload under a good signature of `key`."""
    import jwt

    text = f"{segment(header)}.{segment(body)}"
    signature = jwt.get_algorithm_by_name("ES256").sign(text.encode(), load_private(key.private_pem))
    return f"{text}.{encode_base64url(signature)}"
