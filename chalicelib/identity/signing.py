"""The keys that sign access tokens, and the schedule they are replaced by.

1. From the first rotation on, exactly one key signs at every moment: the newest that has begun and is not revoked.
2. A key is published `published_before` it signs, which is longer than any verifier keeps its copy: when its first token
   comes, everybody knows it. A first key, and one that replaces a revoked key, cannot be announced and signs at once.
3. A key verifies until `kept_after` its successor began to sign, which is longer than a token lives: no token outlives its key.
4. A revoked key neither signs nor verifies. It is remembered as long as tokens of its may live, so that their bearers can be
   told why they are refused.
5. Every function gives the same result when it is asked twice at the same moment.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from chalicelib.platform.frozen import dataclass

ALGORITHM = "ES256"
"""ECDSA on P-256 with SHA-256 (RFC 7518, section 3.4): the one algorithm of access tokens (docs/adr/0005)."""

FORMAT = 1
"""Version of the secret's text. A change that older code cannot read takes the next number."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A key as it is made. `kid` names it, `private_pem` is PKCS #8, `public_jwk` has the public members of RFC 7518 alone."""

    kid: str
    private_pem: str = field(repr=False)
    public_jwk: Mapping[str, str]


MakeKey = Callable[[], KeyPair]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key with its place in the schedule. `verifies_until` is None while no successor is known."""

    kid: str
    private_pem: str = field(repr=False)
    public_jwk: Mapping[str, str]
    created_at: datetime
    signs_from: datetime
    verifies_until: datetime | None = None
    revoked_at: datetime | None = None
    alg: str = ALGORITHM

    def verifies(self, now: datetime) -> bool:
        """Whether tokens of this key are taken at this moment. One that will sign later counts: some clocks are ahead."""
        return self.revoked_at is None and (self.verifies_until is None or now < self.verifies_until)


@dataclass(frozen=True, slots=True)
class KeySet:
    """All keys that somebody may still ask about, in the order in which they begin to sign."""

    keys: tuple[SigningKey, ...] = ()

    def get(self, kid: str) -> SigningKey | None:
        """The key of this name, if any."""
        return next((each for each in self.keys if each.kid == kid), None)


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """How long a key signs, how long before it is published, and how long after its last signature it is kept."""

    rotate_every: timedelta = timedelta(days=30)
    published_before: timedelta = timedelta(minutes=15)
    kept_after: timedelta = timedelta(minutes=20)


POLICY = KeyPolicy()
"""Access tokens live 15 minutes; verifiers here keep a copy for 45 seconds, others for as long as their cache is told."""


def signer(keys: KeySet, now: datetime) -> SigningKey | None:
    """The key that signs at this moment; None when there is none."""
    begun = [each for each in keys.keys if each.revoked_at is None and each.signs_from <= now]
    return begun[-1] if begun else None


def verifiers(keys: KeySet, now: datetime) -> tuple[SigningKey, ...]:
    """The keys whose tokens are taken at this moment, those that will sign later among them."""
    return tuple(each for each in keys.keys if each.verifies(now))


def rotated(keys: KeySet, now: datetime, make_key: MakeKey, policy: KeyPolicy = POLICY) -> KeySet:
    """The set as it should be at this moment: a successor announced shortly before it is due, and the past dropped."""
    announced = signer(keys, now + policy.published_before)
    if signer(keys, now) is None:
        return _scheduled([*keys.keys, _made(make_key(), now, now)], now, policy)
    if announced is not None and now < announced.signs_from + policy.rotate_every - policy.published_before:
        return _scheduled(keys.keys, now, policy)
    return _scheduled([*keys.keys, _made(make_key(), now, now + policy.published_before)], now, policy)


def revoked(keys: KeySet, kid: str, now: datetime, make_key: MakeKey, policy: KeyPolicy = POLICY) -> KeySet:
    """The set without trust in a key. Raises KeyError for one that it does not hold.

    If the key is the one that signs, a new one takes its place at once. One that would have signed later leaves its
    predecessor signing until the next rotation.
    """
    found = keys.get(kid)
    if found is None:
        raise KeyError(kid)
    if found.revoked_at is not None:
        return keys
    left = KeySet(tuple(replace(each, revoked_at=now) if each is found else each for each in keys.keys))
    if signer(keys, now) is found or signer(left, now) is None:
        left = KeySet((*left.keys, _made(make_key(), now, now)))
    return _scheduled(left.keys, now, policy)


def jwks(keys: KeySet, now: datetime) -> dict[str, Any]:
    """The JWK Set (RFC 7517) that verifiers elsewhere read: public members only."""
    return {"keys": [{**each.public_jwk, "kid": each.kid, "alg": each.alg, "use": "sig"} for each in verifiers(keys, now)]}


def _made(pair: KeyPair, now: datetime, signs_from: datetime) -> SigningKey:
    public = {name: pair.public_jwk[name] for name in _PUBLIC}
    return SigningKey(pair.kid, pair.private_pem, public, created_at=now, signs_from=signs_from)


def _scheduled(keys: Iterable[SigningKey], now: datetime, policy: KeyPolicy) -> KeySet:
    """These keys without those nobody asks about any more, each ending after its successor has begun."""
    wanted = [each for each in keys if not _over(each, now, policy)]
    wanted.sort(key=lambda each: (each.signs_from, each.created_at))
    alive = [each for each in wanted if each.revoked_at is None]
    ends = {each.kid: after.signs_from + policy.kept_after for each, after in pairwise(alive)}
    return KeySet(tuple(replace(each, verifies_until=ends.get(each.kid)) for each in wanted))


def _over(key: SigningKey, now: datetime, policy: KeyPolicy) -> bool:
    if key.revoked_at is not None:
        return key.revoked_at + policy.kept_after <= now
    return key.verifies_until is not None and key.verifies_until <= now


def to_text(keys: KeySet) -> str:
    """The secret's text: JSON with a version, the private keys in it."""
    return json.dumps({"format": FORMAT, "keys": [_to_dict(each) for each in keys.keys]}, sort_keys=True)


def from_text(text: str) -> KeySet:
    """What `to_text` wrote. Raises ValueError, which repeats nothing of the text."""
    try:
        value = json.loads(text)
        known = value["format"] == FORMAT
        keys = KeySet(tuple(_from_dict(each) for each in value["keys"])) if known else None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("the secret does not hold signing keys") from None
    if keys is None:
        raise ValueError("the secret holds signing keys in a format that this version does not know")
    return keys


def _to_dict(key: SigningKey) -> dict[str, Any]:
    times = {name: getattr(key, name) for name in _TIMES}
    return {
        "kid": key.kid,
        "alg": key.alg,
        "private_pem": key.private_pem,
        "public_jwk": dict(key.public_jwk),
        **{name: moment.astimezone(UTC).isoformat() for name, moment in times.items() if moment is not None},
    }


def _from_dict(value: Mapping[str, Any]) -> SigningKey:
    times: dict[str, Any] = {name: datetime.fromisoformat(value[name]).astimezone(UTC) for name in _TIMES if name in value}
    public = {name: str(value["public_jwk"][name]) for name in _PUBLIC}
    if value["alg"] != ALGORITHM or public["crv"] != "P-256":
        raise ValueError("not an ES256 key")
    return SigningKey(str(value["kid"]), str(value["private_pem"]), public, **times)


_PUBLIC = ("kty", "crv", "x", "y")
_TIMES = ("created_at", "signs_from", "verifies_until", "revoked_at")
