"""Authorization requests, read and judged.

1. Until client and redirect URI are known to belong together, nothing is sent anywhere: the person sees a page.
2. From there on every fault goes to the redirect URI as an error, with the `state` that came (RFC 6749, 4.1.2.1).
3. The redirect URI is compared as a string, whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit, urlunsplit

from cygni.local.idp.clients import Client
from cygni.local.idp.pkce import is_challenge

Pairs = Iterable[tuple[str, str]]

SCOPES = ("openid", "profile", "email")
_NOT_DESCRIPTION = re.compile(r"[^ !#-\[\]-~]")  # what error_description may not hold (RFC 6749, 4.1.2.1)
_UNSUPPORTED = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that a person may answer."""

    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str | None = None
    nonce: str | None = None
    challenge: str | None = None
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Untrusted:
    """A request whose sender is not known: shown to the person, sent to nobody."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A request of the client's that cannot be: told to the redirect URI."""

    redirect_uri: str
    state: str | None
    error: str
    description: str


Reading = Asked | Untrusted | Refused


def read_oidc(pairs: Pairs, client: Client) -> Reading:
    """An authentication request of OpenID Connect (Core, 3.1.2.1), for the code flow with PKCE."""
    given, repeated = _collect(pairs)
    uri = _recipient(given, repeated, client, optional=False)
    if isinstance(uri, Untrusted):
        return uri
    fault = _repeated(repeated) or _oidc_fault(given)
    if fault is not None:
        return Refused(uri, _state(given, repeated), *fault)
    asked = given.get("scope", "").split()
    scopes = tuple(each for each in SCOPES if each in asked)
    return Asked(
        client.client_id,
        uri,
        scopes,
        given.get("state"),
        given.get("nonce"),
        given["code_challenge"],
        given.get("login_hint", ""),
    )


def read_github(pairs: Pairs, client: Client) -> Reading:
    """A request to GitHub's authorization page: redirect URI, scope and challenge may be left out."""
    given, repeated = _collect(pairs)
    uri = _recipient(given, repeated, client, optional=True)
    if isinstance(uri, Untrusted):
        return uri
    fault = _repeated(repeated)
    if fault is None and ("code_challenge" in given or "code_challenge_method" in given):
        fault = _pkce_fault(given)
    if fault is not None:
        return Refused(uri, _state(given, repeated), *fault)
    scopes = tuple(dict.fromkeys(given.get("scope", "").replace(",", " ").split()))
    return Asked(client.client_id, uri, scopes, given.get("state"), None, given.get("code_challenge"), given.get("login", ""))


def answer_url(redirect_uri: str, parameters: Mapping[str, str | None]) -> str:
    """The redirect URI with parameters added to its query, which is kept (RFC 6749, 3.1.2). None is left out."""
    parts = urlsplit(redirect_uri)
    added = urlencode({name: value for name, value in parameters.items() if value is not None})
    return urlunsplit(parts._replace(query=f"{parts.query}&{added}" if parts.query else added))


def origin_of(uri: str) -> str:
    """Scheme, host and port of a URI, as Content-Security-Policy writes an origin."""
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}"


def _collect(pairs: Pairs) -> tuple[dict[str, str], set[str]]:
    """Parameters by name, and the names that came more than once. An empty value counts as absent."""
    given: dict[str, str] = {}
    seen, repeated = set[str](), set[str]()
    for name, value in pairs:
        if name in seen:
            repeated.add(name)
        seen.add(name)
        if value:
            given[name] = value
    return given, repeated


def _recipient(given: Mapping[str, str], repeated: set[str], client: Client, *, optional: bool) -> str | Untrusted:
    """Where the answer goes."""
    if repeated & {"client_id", "redirect_uri"}:
        return Untrusted("client_id and redirect_uri must come once each.")
    if given.get("client_id") != client.client_id:
        return Untrusted("client_id is missing or names no client of this provider.")
    uri = given.get("redirect_uri")
    if uri is None and optional:
        return client.redirect_uris[0]
    if uri is None:
        return Untrusted("redirect_uri is missing.")
    if uri not in client.redirect_uris:
        return Untrusted("redirect_uri is not one of those that the client registered; they are compared letter by letter.")
    return uri


def _state(given: Mapping[str, str], repeated: set[str]) -> str | None:
    return None if "state" in repeated else given.get("state")


def _repeated(repeated: set[str]) -> tuple[str, str] | None:
    if not repeated:
        return None
    names = _NOT_DESCRIPTION.sub("?", ", ".join(sorted(repeated)))[:100]
    return "invalid_request", f"{names} came more than once."


def _oidc_fault(given: Mapping[str, str]) -> tuple[str, str] | None:
    """Error and description, as RFC 6749, 4.1.2.1 and OpenID Connect Core, 3.1.2.6 name them."""
    for name, error in _UNSUPPORTED.items():
        if name in given:
            return error, f"{name} is not supported."
    if "response_type" not in given:
        return "invalid_request", "response_type is missing."
    if given["response_type"] != "code":
        return "unsupported_response_type", "response_type must be code."
    if given.get("response_mode", "query") != "query":
        return "invalid_request", "response_mode must be query."
    if "openid" not in given.get("scope", "").split():
        return "invalid_scope", "scope must include openid."
    return _pkce_fault(given) or _prompt_fault(given)


def _pkce_fault(given: Mapping[str, str]) -> tuple[str, str] | None:
    if given.get("code_challenge_method") != "S256":
        return "invalid_request", "PKCE is required: code_challenge_method must be S256."
    if not is_challenge(given.get("code_challenge", "")):
        return "invalid_request", "code_challenge must be the base64url of a SHA-256, 43 characters."
    return None


def _prompt_fault(given: Mapping[str, str]) -> tuple[str, str] | None:
    prompts = given.get("prompt", "").split()
    if prompts == ["none"]:
        return "login_required", "This provider keeps no session: a person must always choose."
    if "none" in prompts:
        return "invalid_request", "prompt=none goes with no other."
    return None
