"""The providers that people sign in with: what the operator set up, and what each provider publishes of itself.

The set-up is a secret of this form, since it holds the credentials that Cygni has at each provider:

    {"providers": {"google": {"kind": "oidc", "title": "Google", "issuer": "https://accounts.google.com",
                              "client_id": "…", "client_secret": "…"},
                   "github": {"kind": "github", "title": "GitHub", "client_id": "…", "client_secret": "…"}}}

It is read again after a minute; one that cannot be read or makes no sense leaves the last good one in use.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from chalicelib.identity.jwks import IssuerKeys, ProviderMetadata, RemoteKeys, discover
from chalicelib.identity.keptcopy import KeptCopy
from chalicelib.platform import web
from chalicelib.platform.clock import Clock
from chalicelib.platform.errors import NotFound, SecretsUnavailable
from chalicelib.platform.strict import parse_object
from chalicelib.platform.web import is_trusted

FRESH = timedelta(minutes=1)
METADATA_FRESH = timedelta(hours=1)
MOST = 20
GITHUB = "https://github.com"
"""What GitHub's logins are kept under: it is no OpenID provider, and has no issuer of its own."""

_NAME = re.compile(r"[a-z][a-z0-9-]{0,29}")


@dataclass(frozen=True, slots=True)
class Web:
    """What is asked of providers over HTTP; `platform.web` says what each promises."""

    get_json: Callable[[str, Mapping[str, str]], dict[str, Any]] = web.get_json
    get_list: Callable[[str, Mapping[str, str]], list[Any]] = web.get_list
    post_form: Callable[[str, Mapping[str, str], Mapping[str, str]], dict[str, Any]] = web.post_form


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. The three addresses are GitHub's own endpoints, and empty for an OpenID provider, which publishes them."""

    name: str
    title: str
    kind: str
    client_id: str
    client_secret: str = field(repr=False)
    issuer: str
    authorize_url: str = ""
    token_url: str = ""
    api_url: str = ""


class Providers:
    """The providers of an installation. `read` gives the secret's text, or None when there is none. Safe for threads."""

    def __init__(self, read: Callable[[], str | None], web: Web, clock: Clock) -> None:
        self.web, self._read, self._clock = web, read, clock
        self._kept = KeptCopy(self._load, clock, fresh=FRESH, what="The providers that people sign in with")
        self._metadata: dict[tuple[str, bool], KeptCopy[ProviderMetadata]] = {}
        self._lock = threading.Lock()
        self._keys = RemoteKeys(lambda url: web.get_json(url, {}), clock)

    def all(self) -> tuple[Provider, ...]:
        """Every provider, in the order of the set-up; none where none is set up. Raises Transient."""
        return self._kept.get()

    def get(self, name: str) -> Provider:
        """A provider by its name. Raises NotFound, and Transient."""
        found = next((each for each in self.all() if each.name == name), None)
        if found is None:
            raise NotFound("There is no sign-in provider of that name.", remedy="Choose one of /v1/auth/providers.")
        return found

    def metadata(self, issuer: str, *, people: bool = True) -> ProviderMetadata:
        """What an OpenID provider publishes of itself. Raises ProviderUnavailable or ProviderRefused.

        `people` says that somebody is to sign in there.
        """
        with self._lock:
            kept = self._metadata.get((issuer, people))
            if kept is None:
                kept = self._metadata[issuer, people] = KeptCopy(
                    lambda _: discover(issuer, lambda url: self.web.get_json(url, {}), people=people),
                    self._clock,
                    fresh=METADATA_FRESH,
                    what=f"The metadata of {issuer}",
                )
        return kept.get()

    def keys_at(self, url: str) -> IssuerKeys:
        """The keys of the issuer whose metadata names this address (`jwks_uri`)."""
        return self._keys.of(url)

    def _load(self, _before: tuple[Provider, ...] | None) -> tuple[Provider, ...]:
        text = self._read()
        if text is None:
            return ()
        try:
            return parse(text)
        except ValueError as error:
            raise SecretsUnavailable(f"The secret of the sign-in providers cannot be used: {error}.") from None


def parse(text: str) -> tuple[Provider, ...]:
    """The providers of a set-up. Raises ValueError, which names what is wrong and repeats no credential."""
    told = parse_object(text).get("providers")
    if not isinstance(told, dict):
        raise ValueError("it has no object `providers`")
    if len(told) > MOST:
        raise ValueError(f"it has {len(told)} providers; {MOST} are the most")
    return tuple(_provider(name, each) for name, each in told.items())


def _provider(name: str, told: Any) -> Provider:
    if not _NAME.fullmatch(name):
        raise ValueError("a provider's name must be lower-case letters, digits and hyphens, 30 at most")
    if not isinstance(told, dict):
        raise ValueError(f"{name} is no object")
    kind = told.get("kind")
    if kind not in _DEFAULTS:
        raise ValueError(f"{name}.kind must be one of {', '.join(_DEFAULTS)}")
    defaults = {"title": name, "client_id": None, "client_secret": None} | _DEFAULTS[kind]
    values: dict[str, Any] = {member: told.get(member, default) for member, default in defaults.items()}
    for member, value in values.items():
        if not isinstance(value, str) or not value:
            raise ValueError(f"{name}.{member} must be a text that is not empty")
        if member in _ADDRESSES and not is_trusted(value):
            raise ValueError(f"{name}.{member} must be an https address")
    return Provider(name=name, kind=kind, **values)


_DEFAULTS: dict[str, dict[str, str | None]] = {
    "oidc": {"issuer": None},
    "github": {
        "issuer": GITHUB,
        "authorize_url": "https://github.com/login/oauth/authorize",
        "token_url": "https://github.com/login/oauth/access_token",
        "api_url": "https://api.github.com",
    },
}
_ADDRESSES = frozenset({"issuer", "authorize_url", "token_url", "api_url"})
