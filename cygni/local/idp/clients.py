"""The one client that may ask for sign-ins, and how it proves at the token endpoint that it is itself."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_plus, urlsplit


class RepeatedParameter(ValueError):
    """A parameter came twice; the message is its name."""


class NotAuthenticated(Exception):
    """The client did not prove itself; the message says how, and never what it sent."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who may ask, and where answers may be sent: to exactly one of `redirect_uris`."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uris: tuple[str, ...]


def redirect_uri_fault(uri: str) -> str | None:
    """Why a URI cannot be registered; None when it can: absolute, http or https, no fragment (RFC 6749, 3.1.2)."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError:
        return "is not a URI"
    if parts.scheme not in ("http", "https") or not host:
        return "must be absolute, with http or https and a host"
    return "must have no fragment" if "#" in uri else None


def single(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name; an empty value counts as absent (RFC 6749, 3.1). Raises RepeatedParameter."""
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            raise RepeatedParameter(name)
        found[name] = value
    return {name: value for name, value in found.items() if value}


def authenticate(authorization: str | None, form: Mapping[str, str], client: Client) -> None:
    """Checks the credentials of a token request: client_secret_basic or client_secret_post. Raises NotAuthenticated."""
    if authorization is not None:
        if "client_secret" in form:
            raise NotAuthenticated("Send the client's secret once: in the Authorization header or in the body.")
        name, secret = _basic(authorization)
        if form.get("client_id", name) != name:
            raise NotAuthenticated("client_id in the body is not the one in the Authorization header.")
    else:
        name, secret = form.get("client_id", ""), form.get("client_secret", "")
    known = hmac.compare_digest(name.encode(), client.client_id.encode())
    if not (hmac.compare_digest(secret.encode(), client.secret.encode()) and known):
        raise NotAuthenticated("The client is unknown, or its secret is another one.")


def _basic(authorization: str) -> tuple[str, str]:
    """Name and secret of HTTP Basic, which RFC 6749, 2.3.1 has encoded as a form first."""
    scheme, _, encoded = authorization.partition(" ")
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except ValueError:
        text = ""
    name, colon, secret = text.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise NotAuthenticated("The Authorization header is not HTTP Basic with client_id and client_secret.")
    return unquote_plus(name), unquote_plus(secret)
