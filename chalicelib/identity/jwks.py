"""Tokens of other issuers: sign-in providers (OpenID Connect) and CI systems that vouch for their jobs.

1. Keys come from the issuer's published set alone, never from a token, and a key is used with the algorithms of its own type
   only. Symmetric algorithms are not among those that can be asked for.
2. A set is read at first need and every hour. A key that is not in it costs at most one look in ten seconds; an issuer that is
   away leaves the last set in use (see KeptCopy).
3. What a token says is understood after its signature held, by the strict reading of `platform.strict`.
"""

from __future__ import annotations

import hmac
import math
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from chalicelib.identity.keptcopy import KeptCopy
from chalicelib.platform.clock import Clock
from chalicelib.platform.errors import ProviderRefused, ProviderUnavailable, Unauthenticated
from chalicelib.platform.strict import decode_base64url, parse_object
from chalicelib.platform.web import is_loopback, is_trusted

Fetch = Callable[[str], Mapping[str, Any]]
"""The JSON object at an address; `platform.web.get_json`."""

FRESH = timedelta(hours=1)
ISSUERS = 32
"""Issuers whose keys are kept; the one that was used the longest ago gives way."""

MOST_KEYS = 100
"""Keys of one set that are looked at."""

LONGEST = 8192
"""Bytes of a token. Providers put groups and addresses in theirs, so that this is twice what our own may have."""

SKEW = timedelta(seconds=30)
"""How far an issuer's clock may differ from ours."""

ALGORITHMS = ("RS256", "ES256", "EdDSA")
SMALLEST_RSA = 2048
"""Bits (RFC 7518, section 3.3)."""

_MEMBERS = {"RS256": ("kty", "n", "e"), "ES256": ("kty", "crv", "x", "y"), "EdDSA": ("kty", "crv", "x")}
_FIXED = {"RS256": {"kty": "RSA"}, "ES256": {"kty": "EC", "crv": "P-256"}, "EdDSA": {"kty": "OKP", "crv": "Ed25519"}}
_NEVER = frozenset({"b64", "crit", "jku", "jwk", "x5c", "x5u", "zip"})


class IssuerKeys:
    """The keys of one issuer, by the address of its set."""

    def __init__(self, url: str, fetch: Fetch, clock: Clock) -> None:
        self._url, self._fetch = url, fetch
        self._kept = KeptCopy(self._load, clock, fresh=FRESH, what=f"The keys at {url}")

    def find(self, kid: str | None, algorithm: str) -> Any | None:
        """The public key of this name for this algorithm, or None. Without a name, the one key that it can be.

        Raises ProviderUnavailable or ProviderRefused when the set was never to be had.
        """
        return self._kept.get().find(kid, algorithm) or self._kept.look_again().find(kid, algorithm)

    def _load(self, before: _KeySet | None) -> _KeySet:
        keys = self._fetch(self._url).get("keys")
        if not isinstance(keys, list):
            raise ProviderUnavailable(f"There is no key set at {self._url}.")
        return before if before is not None and before.keys == keys else _KeySet(keys)


class RemoteKeys:
    """The keys of other issuers. Safe for threads."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        self._fetch, self._clock, self._lock = fetch, clock, threading.Lock()
        self._issuers: OrderedDict[str, IssuerKeys] = OrderedDict()

    def of(self, url: str) -> IssuerKeys:
        """The keys of the issuer whose set is at this address (`jwks_uri` of its metadata). Nothing is read yet."""
        with self._lock:
            found = self._issuers.get(url)
            if found is None:
                found = self._issuers[url] = IssuerKeys(url, self._fetch, self._clock)
            self._issuers.move_to_end(url)
            if len(self._issuers) > ISSUERS:
                self._issuers.popitem(last=False)
            return found


class _KeySet:
    """One reading of a set. Keys are made ready at their first use."""

    def __init__(self, keys: list[Any]) -> None:
        self.keys = keys
        self._ready: dict[tuple[int, str], Any | None] = {}

    def find(self, kid: str | None, algorithm: str) -> Any | None:
        fitting = [
            index
            for index, each in enumerate(self.keys[:MOST_KEYS])
            if isinstance(each, dict) and _fits(each, algorithm) and (kid is None or each.get("kid") == kid)
        ]
        if len(fitting) != 1:
            return None
        place = fitting[0], algorithm
        if place not in self._ready:
            self._ready[place] = _ready(self.keys[place[0]], algorithm)
        return self._ready[place]


def _fits(jwk: Mapping[str, Any], algorithm: str) -> bool:
    fixed = all(jwk.get(name) == value for name, value in _FIXED[algorithm].items())
    return fixed and jwk.get("use", "sig") == "sig" and jwk.get("alg", algorithm) == algorithm


def _ready(jwk: Mapping[str, Any], algorithm: str) -> Any | None:
    """The public key, made of the members that its type has and no others; None when they make none."""
    import jwt

    members = {name: jwk.get(name) for name in _MEMBERS[algorithm]}
    if not all(isinstance(each, str) for each in members.values()):
        return None
    try:
        key = jwt.PyJWK(members, algorithm=algorithm).key
    except (jwt.exceptions.PyJWTError, ValueError):
        return None
    return None if algorithm == "RS256" and key.key_size < SMALLEST_RSA else key


def check_id_token(
    token: str,
    keys: IssuerKeys,
    *,
    issuer: str,
    audience: str,
    nonce: str | None = None,
    algorithms: Sequence[str] = ALGORITHMS,
    now: datetime,
) -> Mapping[str, Any]:
    """The claims of an ID token (OpenID Connect Core 1.0, section 3.1.3.7), or of a CI job's token.

    `nonce` is what the sign-in began with; None where there was none. Raises Unauthenticated, and ProviderUnavailable or
    ProviderRefused when the issuer's keys were never to be had.
    """
    if not set(algorithms) <= set(ALGORITHMS):
        raise ValueError(f"algorithms must be among {ALGORITHMS}")
    try:
        claims = parse_object(_proven(token, keys, algorithms))
        _check(claims, issuer=issuer, audience=audience, nonce=nonce)
        expires, not_before = _time(claims, "exp"), max(_time(claims, "iat"), _time(claims, "nbf", 0.0))
    except ValueError:
        raise _not_valid(audience) from None
    if not_before > (now + SKEW).timestamp():
        raise _not_valid(audience)
    if expires <= (now - SKEW).timestamp():
        raise Unauthenticated("The sign-in provider's token has expired.", remedy="Get a new one from the provider.")
    return claims


def _proven(token: str, keys: IssuerKeys, algorithms: Sequence[str]) -> bytes:
    """The payload of a token that a key of the issuer signed. Raises ValueError."""
    import jwt

    parts = token.encode().split(b".") if len(token) <= LONGEST and token.isascii() else []
    if len(parts) != 3:
        raise ValueError("not three parts")
    head, payload, _ = (decode_base64url(each) for each in parts)
    header = parse_object(head)
    algorithm, kid = header.get("alg"), header.get("kid")
    if _NEVER & header.keys() or not isinstance(algorithm, str) or algorithm not in algorithms:
        raise ValueError("a header that is not taken")
    if str(header.get("typ", "JWT")).upper() != "JWT" or not (kid is None or isinstance(kid, str)):
        raise ValueError("another kind of token, or a key's name that is no text")
    key = keys.find(kid, algorithm)
    if key is None:
        raise ValueError("a key that the issuer does not have")
    try:
        jwt.PyJWS(algorithms=[algorithm]).decode(token, key, algorithms=[algorithm])
    except jwt.exceptions.PyJWTError:
        raise ValueError("a signature that is not the issuer's") from None
    return payload


def _check(claims: Mapping[str, Any], *, issuer: str, audience: str, nonce: str | None) -> None:
    """Raises ValueError unless the token is by this issuer, for us and nobody else, and of this sign-in."""
    subject, meant = claims.get("sub"), claims.get("aud")
    for_us = meant == audience or (isinstance(meant, list) and audience in meant)
    if claims.get("iss") != issuer or not for_us or not isinstance(subject, str) or not 0 < len(subject) <= 255:
        raise ValueError("not by this issuer, or not for us")
    shared = isinstance(meant, list) and len(meant) > 1
    if (shared or "azp" in claims) and claims.get("azp") != audience:
        raise ValueError("given to somebody else")
    if nonce is not None and not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise ValueError("of another sign-in")


def _time(claims: Mapping[str, Any], name: str, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is no time")
    return float(value)


def _not_valid(audience: str) -> Unauthenticated:
    return Unauthenticated(
        "The sign-in provider's token is not valid here.",
        remedy=f"Start to sign in again; a token of a CI job must be asked for with the audience {audience!r}.",
    )


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """What a provider publishes of itself (OpenID Connect Discovery 1.0, section 3). Endpoints it does not have are empty.

    `names_itself` says that its answers in the browser carry `iss` (RFC 9207); `secret_in_form` that it does not take a
    client's secret in the Authorization header.
    """

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    device_authorization_endpoint: str = ""
    names_itself: bool = False
    secret_in_form: bool = False


def discover(issuer: str, fetch: Fetch, *, people: bool = True) -> ProviderMetadata:
    """The metadata at an issuer's well-known address. Raises ProviderUnavailable; ProviderRefused for what cannot be trusted.

    The issuer must name itself exactly as we do, and every endpoint must be an https address; an issuer on loopback may have
    its endpoints there too. One whose tokens are not for `people`, such as a CI system, needs no endpoints to sign in with.
    """
    said = fetch(issuer.rstrip("/") + "/.well-known/openid-configuration")
    if said.get("issuer") != issuer:
        remedy = "Set the issuer exactly as the provider writes it, with or without a slash at its end."
        raise ProviderRefused("The provider names another issuer than the one that is set.", remedy=remedy)
    here = is_loopback(urlsplit(issuer).hostname or "")
    found = {each.name: said.get(each.name, "") for each in fields(ProviderMetadata) if each.name not in _NO_ADDRESSES}
    needed = _NEEDED if people else _NEEDED_OF_MACHINES
    for name, value in found.items():
        absent = value == "" and name not in needed
        if not absent and not (isinstance(value, str) and is_trusted(value, loopback=here)):
            raise ProviderRefused(f"The provider's {name} is missing or no https address.")
    methods = said.get("token_endpoint_auth_methods_supported")  # absent: client_secret_basic (section 3)
    return ProviderMetadata(
        **found,
        names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        secret_in_form=isinstance(methods, list) and "client_secret_basic" not in methods,
    )


_NO_ADDRESSES = frozenset({"names_itself", "secret_in_form"})
_NEEDED_OF_MACHINES = frozenset({"issuer", "jwks_uri"})
_NEEDED = _NEEDED_OF_MACHINES | {"authorization_endpoint", "token_endpoint"}
