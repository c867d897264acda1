"""A provider over real HTTP, the application that uses it, and a browser."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from cygni.local.idp.browser import Browser, Page
from cygni.local.idp.clients import Client
from cygni.local.idp.pkce import challenge_of
from cygni.local.idp.server import Options, running_in_thread

SECRET = "s3cret+of/the client"  # with characters that an encoding could lose


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    time: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.time


@dataclass
class App:
    """The application: it has a callback page, sends people to the provider, and trades codes for tokens."""

    issuer: str
    redirect_uri: str
    browser: Browser
    request_token: str
    http: httpx.Client
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def request(self, **changes: str | None) -> dict[str, str]:
        """An authorization request that is right, but for `changes`; None leaves a parameter out."""
        right = {
            "response_type": "code",
            "client_id": "cygni",
            "redirect_uri": self.redirect_uri,
            "scope": "openid email profile",
            "state": "st4te",
            "nonce": "n0nce",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**right, **changes}.items() if value is not None}

    def open(self, path: str = "/authorize", **changes: str | None) -> Page:
        return self.browser.open(f"{self.issuer}{path}?{urlencode(self.request(**changes))}")

    def sign_in(self, button: str = "Ada", path: str = "/authorize", **changes: str | None) -> dict[str, str]:
        """Has somebody sign in; what the callback got."""
        return callback(self.open(path, **changes).submit(button=button))

    def trade(self, code: str | None, **changes: str | None) -> httpx.Response:
        """A token request that is right, but for `changes`."""
        right = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": self.verifier,
            "client_id": "cygni",
            "client_secret": SECRET,
        }
        data = {name: value for name, value in {**right, **changes}.items() if value is not None}
        return self.post("/token", data)

    def tokens(self, button: str = "Ada", **changes: str | None) -> dict[str, Any]:
        """Signs somebody in and trades the code."""
        answer = self.trade(self.sign_in(button, **changes)["code"])
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def post(self, path: str, data: dict[str, str], **headers: str) -> httpx.Response:
        return self.http.post(self.issuer + path, data=data, headers={k.replace("_", "-"): v for k, v in headers.items()})

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(self.issuer + path, headers=headers)


def callback(page: Page) -> dict[str, str]:
    """The parameters that a page's address has."""
    return dict(parse_qsl(urlsplit(page.url).query, strict_parsing=True))


class _Callback(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        text = b"<title>Callback</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def callback_origin() -> Iterator[str]:
    """An application's server, which answers everything with an empty page."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Callback)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def clock() -> Clock:
    """Shared with the provider, so it only ever goes forwards."""
    return Clock()


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory, callback_origin: str, clock: Clock) -> Iterator[tuple[str, str]]:
    uris = (f"{callback_origin}/callback", f"{callback_origin}/other?keep=1")
    options = Options(tmp_path_factory.mktemp("idp"), Client("cygni", SECRET, uris), now=clock)
    with running_in_thread(options) as running:
        yield running.issuer, running.request_token


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """Making a client costs as much as fifty requests."""
    with httpx.Client(timeout=60) as client:
        yield client


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Browser() as opened:
        yield opened


@pytest.fixture
def app(provider: tuple[str, str], callback_origin: str, browser: Browser, http: httpx.Client) -> App:
    issuer, request_token = provider
    return App(issuer, f"{callback_origin}/callback", browser, request_token, http)
