"""Access tokens: who somebody is and what they may, for fifteen minutes, under our signature (after RFC 9068).

What `verify` holds, in this order, so that nothing of a stranger's is understood before it is known to be ours:

1. At most LONGEST bytes; three parts in strict base64url.
2. A header of exactly `alg`, `kid` and `typ`: ES256, a key of ours, `at+jwt`. A header that brings its own key or asks for more
   (`jwk`, `jku`, `x5c`, `x5u`, `crit`, `zip`) has one member too many.
3. The signature of that key, which is neither revoked nor over.
4. Claims of the right types, from our issuer, for our audience, that are not of the future, live no longer than they may, and
   have not expired.

A caller learns that a token is not valid here, that it has expired (if it was ours), or that its key was revoked; nothing
about which of these steps it failed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import Any, Literal, NamedTuple, get_args

from chalicelib.identity.es256 import load_private
from chalicelib.identity.livekeys import KnownKeys, LiveKeys
from chalicelib.identity.signing import ALGORITHM, SigningKey
from chalicelib.platform.errors import TooLarge, Unauthenticated
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.strict import decode_base64url, parse_object

TYPE = "at+jwt"
"""The media type of access tokens (RFC 9068), which sets them apart from every other JWT."""

LIFE = timedelta(minutes=15)
"""How long a token may live."""

LONGEST = 4096
"""Bytes of a token."""

AHEAD = timedelta(seconds=30)
"""How far the clock of whoever minted may be ahead of ours."""

Kind = Literal["user", "federated"]
Scope = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class AccessClaims:
    """What a token says. Times are whole seconds.

    `subject` is who, `name` what people call them, `session` what logging out ends, `id` this token alone. `team` is the tenant
    that all reads and writes are bound to and `region` where its data lives; both, and `role`, are empty for somebody without a
    team. `scopes` narrow the role: triples of project, environment and role.
    """

    subject: str
    kind: Kind
    team: str
    region: str
    role: str
    scopes: tuple[Scope, ...]
    session: str
    name: str
    issued_at: datetime
    expires_at: datetime
    id: str


def mint(claims: AccessClaims, key: SigningKey, *, issuer: str, audience: str) -> str:
    """The token. Raises TooLarge when the claims do not fit one, and ValueError for times that `verify` would refuse."""
    import jwt

    issued, expires = int(claims.issued_at.timestamp()), int(claims.expires_at.timestamp())
    if not 0 < expires - issued <= _LIFE_SECONDS:
        raise ValueError(f"an access token lives up to {LIFE}, not {claims.expires_at - claims.issued_at}")
    payload = {
        "iss": issuer,
        "aud": audience,
        "sub": claims.subject,
        "exp": expires,
        "iat": issued,
        "jti": claims.id,
        "kind": claims.kind,
        "team": claims.team,
        "region": claims.region,
        "role": claims.role,
        "scopes": [list(each) for each in claims.scopes],
        "sid": claims.session,
        "name": claims.name,
    }
    token = jwt.encode(payload, load_private(key.private_pem), algorithm=ALGORITHM, headers={"typ": TYPE, "kid": key.kid})
    if len(token) > LONGEST:
        raise TooLarge(
            f"The access token would have {len(token)} bytes; at most {LONGEST} are taken.",
            remedy="Narrow fewer projects and environments for this member, or shorten the name.",
        )
    return token


def verify(token: str, keys: LiveKeys, *, issuer: str, audience: str, now: datetime) -> AccessClaims:
    """What a token of ours says. Raises Unauthenticated, and Transient when the keys were never to be had.

    A token that was proven under these very keys is not proven again; it still expires.
    """
    if len(token) > LONGEST or not token.isascii():
        raise _not_ours()
    raw = token.encode()
    digest = hashlib.sha256(raw).digest()
    known = keys.current()
    proof: _Proof | None = known.proven.get(digest)
    seen = proof is not None
    if proof is None:
        known, proof = _prove(raw, known, keys, now)
    if proof.issuer != issuer or proof.audience != audience or proof.claims.issued_at > now + AHEAD:
        raise _not_ours()
    if now >= proof.until:
        raise _expired()
    if not seen:
        known.proven.put(digest, proof)
    return proof.claims


class _Proof(NamedTuple):
    """What the signature proved: the claims, whose they are and for whom, and until when key and token hold."""

    claims: AccessClaims
    issuer: str
    audience: str
    until: datetime


def _prove(raw: bytes, known: KnownKeys, keys: LiveKeys, now: datetime) -> tuple[KnownKeys, _Proof]:
    """The proof of a token that was not seen before, and the keys it was proven by."""
    try:
        text, _, last = raw.rpartition(b".")
        head, _, body = text.partition(b".")
        kid = _kid(head)
        signature = decode_base64url(last)
        key = known.find(kid)
        if key is None:
            known = keys.look_again()
            key = known.find(kid)
        if key is None:
            raise _not_ours()
        if key.revoked_at is not None:
            raise _revoked()
        if not key.verifies(now) or not known.check_of(key)(text, signature):
            raise _not_ours()
        claims = parse_object(decode_base64url(body))
        return known, _proof(claims, key.verifies_until)
    except ValueError:
        raise _not_ours() from None


@lru_cache(maxsize=16)
def _kid(header: bytes) -> str:
    """The key that a header names; all tokens of a key have the same. Raises ValueError for one that is not as ours are."""
    value = parse_object(decode_base64url(header))
    kid = value.pop("kid", None)
    if value != {"alg": ALGORITHM, "typ": TYPE} or not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise ValueError("not a header of ours")
    return kid


_KID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _proof(claims: Mapping[str, Any], key_ends: datetime | None) -> _Proof:
    """The proof that these claims are. Raises ValueError when one is missing, of a wrong type, or out of its bounds."""
    try:
        issued, expires, scopes = claims["iat"], claims["exp"], claims["scopes"]
        texts = _texts(claims)
    except KeyError:
        raise ValueError("a claim is missing") from None
    if type(issued) is not int or type(expires) is not int or not 0 < expires - issued <= _LIFE_SECONDS:
        raise ValueError("times that cannot be")
    try:
        begins, ends = _moment(issued, UTC), _moment(expires, UTC)
    except (OverflowError, OSError):
        raise ValueError("a time beyond the calendar") from None
    if {*map(type, texts)} != {str}:
        raise ValueError("a claim is no text")
    said, meant, subject, identifier, kind, team, region, role, session, name = texts
    if not subject or not identifier or kind not in _KINDS:
        raise ValueError("a claim is empty")
    access = AccessClaims(subject, kind, team, region, role, _scopes(scopes), session, name, begins, ends, identifier)
    return _Proof(access, said, meant, ends if key_ends is None else min(ends, key_ends))


_texts = itemgetter("iss", "aud", "sub", "jti", "kind", "team", "region", "role", "sid", "name")
_LIFE_SECONDS = int(LIFE.total_seconds())
_moment = datetime.fromtimestamp
_KINDS = get_args(Kind)


def _scopes(value: Any) -> tuple[Scope, ...]:
    if type(value) is not list:
        raise ValueError("scopes are no list")
    for each in value:
        if type(each) is not list or len(each) != 3 or {*map(type, each)} != {str}:
            raise ValueError("a scope is no triple of texts")
    return tuple(map(tuple, value))


def _not_ours() -> Unauthenticated:
    return Unauthenticated(
        "The access token is not valid here.",
        remedy="Sign in again with `cygni login`, and check that the token was made by this endpoint.",
    )


def _expired() -> Unauthenticated:
    return Unauthenticated(
        "The access token has expired.", remedy="Get a new one with the refresh token, or sign in again with `cygni login`."
    )


def _revoked() -> Unauthenticated:
    return Unauthenticated(
        "The key that signed this access token was revoked.",
        remedy="Get a new token with the refresh token, or sign in again with `cygni login`.",
    )
