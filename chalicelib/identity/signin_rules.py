"""What holds a sign-in in a browser together. Pure.

1. A sign-in belongs to the browser that began it: the `state` that comes back is good for that browser alone, once.
2. The code that comes back is good only with the verifier of the sign-in that asked for it (PKCE, RFC 7636, S256).
3. Whoever answers must be the provider that was asked (RFC 9207).
4. Where somebody goes afterwards is one of our own pages, never an address that a link brought along.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from chalicelib.identity.device_rules import read_user_code
from chalicelib.platform.strict import encode_base64url

LIFE = timedelta(minutes=10)
SECRET_BYTES = 32
CALLBACK = "/v1/auth/callback"
DEVICE_PAGE = "/v1/auth/device"
INVITATION_PAGE = "/v1/invitations"
NAME_LIMIT, EMAIL_LIMIT = 60, 254

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,189}")


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636, section 4.2)."""
    return encode_base64url(hashlib.sha256(verifier.encode()).digest())


def key_of(secret: str) -> str:
    """What a state, or a browser's binding, is kept and found under."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_secret(text: str) -> bool:
    """Whether a text looks like SECRET_BYTES of randomness as we write them."""
    return _SECRET.fullmatch(text) is not None


def same_browser(binding: str, kept: str) -> bool:
    """Whether the cookie that came is the one whose hash was kept."""
    return hmac.compare_digest(key_of(binding), kept)


def issuer_fits(given: str | None, expected: str, *, required: bool) -> bool:
    """Whether the `iss` of an answer names the provider that was asked; it may be absent where it is not `required`."""
    return not required if given is None else given == expected


def next_page(wanted: str | None) -> str:
    """The page of ours that somebody wants to see once signed in: put together anew, and the device's page for all else."""
    if wanted is None or not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted:
        return DEVICE_PAGE
    try:
        parts = urlsplit(wanted)
        query = dict(parse_qsl(parts.query, max_num_fields=5))
    except ValueError:
        return DEVICE_PAGE
    if parts.path == INVITATION_PAGE:
        return INVITATION_PAGE
    code = read_user_code(query.get("user_code", "")) if parts.path == DEVICE_PAGE else None
    return device_page(code) if code else DEVICE_PAGE


def device_page(code: str) -> str:
    """The page where a device with this user code is approved."""
    return f"{DEVICE_PAGE}?{urlencode({'user_code': code})}"


def shown_name(claims: Mapping[str, Any], *names: str) -> str:
    """The first of these claims that can be shown as somebody's name, in NAME_LIMIT characters; empty when none can."""
    for name in names:
        value = claims.get(name)
        text = _printable(value)[:NAME_LIMIT].strip() if isinstance(value, str) else ""
        if text:
            return text
    return ""


def verified_email(claims: Mapping[str, Any]) -> str:
    """The address that a provider vouches for; empty when it vouches for none. Some providers write the claim as a text."""
    email = claims.get("email")
    if claims.get("email_verified") not in (True, "true") or not isinstance(email, str):
        return ""
    return email if len(email) <= EMAIL_LIMIT and _EMAIL.fullmatch(email) and _printable(email) == email else ""


def _printable(text: str) -> str:
    """Without what cannot be seen, or turns the direction of the text around it."""
    return "".join(" " if each.isspace() else each for each in text if unicodedata.category(each)[0] != "C" or each.isspace())
