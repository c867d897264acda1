"""Signing in over real HTTP: the API behind its server, the local identity provider, and browsers, all in this process.

The server and the provider live as long as the tests that use them, the API behind the server and its store as long as one
test. All share one clock, which stands still until a test moves it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from chalicelib.api.application import create_app
from chalicelib.identity.models_teams import MemberRecord, MembershipRecord, TeamRecord
from chalicelib.platform.store import Store
from chalicelib.platform.table import Put, Remove
from cygni.local.cloud.http import ApiServer, Served
from cygni.local.idp.browser import Browser, Page
from cygni.local.idp.clients import Client as IdpClient
from cygni.local.idp.server import Options, running_in_thread
from tests.support.world import START, Client, Fakes

CLIENT_SECRET = "s3cret+of/the client"  # with characters that an encoding could lose
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
EXCHANGE_GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
JWT = "urn:ietf:params:oauth:token-type:jwt"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Site:
    """What outlives a test: addresses, and the API that answers at the moment."""

    url: str = ""
    idp: str = ""
    request_token: str = ""
    http: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=60))
    client: Client | None = None

    def now(self) -> float:
        """The provider's clock is the API's."""
        return self.fakes.clock().timestamp()

    @property
    def fakes(self) -> Fakes:
        """The ports of the API that answers."""
        assert self.client is not None
        return self.client.fakes


@contextmanager
def running_site(state: Path) -> Iterator[Site]:
    """The server and the provider."""
    site = Site()

    def answer(event: dict[str, Any], context: Any) -> Any:
        assert site.client is not None
        return site.client.app(event, context)

    routes = create_app(Fakes().world).routes
    server = ApiServer(Served(answer, routes, lambda request_id: SimpleNamespace(aws_request_id=request_id)))
    server.start()
    site.url = server.url
    options = Options(state, IdpClient("cygni", CLIENT_SECRET, (f"{server.url}/v1/auth/callback",)), now=site.now)
    try:
        with running_in_thread(options) as provider:
            site.idp, site.request_token = provider.issuer, provider.request_token
            yield site
    finally:
        server.stop()
        site.http.close()


def set_up(fakes: Fakes, site: Site, **changes: Any) -> None:
    """Gives the API the site's address, and its providers."""
    fakes.settings = replace(
        fakes.settings, issuer=site.url, actions_issuer=f"{site.idp}/actions", device_interval=1, region="eu-test-1", **changes
    )
    credentials = {"client_id": "cygni", "client_secret": CLIENT_SECRET}
    github = f"{site.idp}/github"
    providers = {
        "local": {"kind": "oidc", "title": "Local", "issuer": site.idp, **credentials},
        "hub": {
            "kind": "github",
            "title": "Hub",
            "authorize_url": f"{github}/login/oauth/authorize",
            "token_url": f"{github}/login/oauth/access_token",
            "api_url": f"{github}/api",
            **credentials,
        },
    }
    fakes.secrets.values[fakes.settings.sign_in_secret] = json.dumps({"providers": providers})
    site.client = Client(fakes, key=None)


@dataclass
class Terminal:
    """The `cygni` command as far as its tokens go."""

    site: Site
    device: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)

    def announce(self, name: str = "ada-laptop") -> dict[str, Any]:
        """Begins to sign in."""
        answer = self.site.http.post(f"{self.site.url}/v1/auth/device", data={"client_id": "cygni-cli", "device_name": name})
        assert answer.status_code == 200, answer.text
        self.device = answer.json()
        return self.device

    def poll(self) -> httpx.Response:
        """Asks for its tokens once, an interval after the last time."""
        self.site.fakes.clock.sleep(self.device["interval"])
        answer = self.token(grant_type=DEVICE_GRANT, device_code=self.device["device_code"])
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    def refresh(self, **more: str) -> httpx.Response:
        """Renews its tokens, and keeps them."""
        answer = self.token(grant_type="refresh_token", refresh_token=self.tokens["refresh_token"], **more)
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer

    def token(self, **form: str) -> httpx.Response:
        """Asks the token endpoint."""
        return self.site.http.post(f"{self.site.url}/v1/auth/token", data={"client_id": "cygni-cli", **form})

    @property
    def user(self) -> str:
        """Id of the person who signed in."""
        return str(self.call("GET", "/v1/whoami").json()["subject"])

    def call(self, method: str, path: str, body: Any = None, token: str | None = None, **headers: str) -> httpx.Response:
        """Calls the API with its access token."""
        headers["Authorization"] = f"Bearer {token or self.tokens['access_token']}"
        return self.site.http.request(method, self.site.url + path, json=body, headers=headers)

    def sign_in(self, browser: Browser, button: str = "Ada", provider: str = "Local") -> dict[str, Any]:
        """The whole of `cygni login`: announce, approve in a browser, ask for the tokens."""
        page = browser.open(self.announce()["verification_uri_complete"])
        if "Approve" not in page.buttons:
            page = page.follow(f"Continue with {provider}").submit(button=button)
        assert page.submit(button="Approve").title.startswith("Approved")
        answer = self.poll()
        assert answer.status_code == 200, answer.text
        return self.tokens


def seat(user: str, team: str, role: str, *, name: str = "Acme", region: str = "eu-test-1") -> None:
    """Makes a person a member of a team, which is made if it is new."""
    store = Store((f"TEAM#{team}", f"USER#{user}"))
    writes: list[Any] = [
        Put(MemberRecord(f"TEAM#{team}", f"MEMBER#{user}", role=role, joined_at=START)),
        Put(MembershipRecord(f"USER#{user}", f"TEAM#{team}", joined_at=START)),
    ]
    if store.fetch(TeamRecord, f"TEAM#{team}", "TEAM") is None:
        writes.append(Put(TeamRecord(f"TEAM#{team}", "TEAM", name=name, region=region)))
    store.commit(writes)


def unseat(user: str, team: str) -> None:
    """Removes a person from a team."""
    store = Store((f"TEAM#{team}", f"USER#{user}"))
    store.commit(
        [Remove(MemberRecord, f"TEAM#{team}", f"MEMBER#{user}"), Remove(MembershipRecord, f"USER#{user}", f"TEAM#{team}")]
    )


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query))


def changed(url: str, **changes: str | None) -> str:
    """The address with other values in its query; None takes one out."""
    parts = urlsplit(url)
    query: Mapping[str, str | None] = {**dict(parse_qsl(parts.query)), **changes}
    return parts._replace(query=urlencode({name: value for name, value in query.items() if value is not None})).geturl()


def stopped_at_callback(site: Site, browser: Browser, *, button: str = "Ada", provider: str = "local") -> str:
    """Signs in at a provider with a browser, but keeps the address it is sent back to: the callback, not yet opened."""
    page = browser.open(f"{site.url}/v1/auth/login?provider={provider}")
    answer = site.http.post(
        page.url,
        data={"choice": f"{button.lower()}@example.test"},
        headers={"Origin": site.idp},
        follow_redirects=False,
    )
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


__all__ = ["Browser", "Page", "Site", "Terminal", "changed", "query_of", "running_site", "set_up", "stopped_at_callback"]
