"""A request as routing sees it, read once from what the HTTP server parsed."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web

from cygni.local.gateway import rules
from cygni.local.gateway.answers import Refusal
from cygni.local.gateway.headers import Caller, Fields, Framing

REPEATABLE = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: where to (`target` is path and query as they came), from whom, and how its body is delimited."""

    http: web.BaseRequest
    host: str
    target: str
    path: str
    query: str
    fields: Fields
    caller: Caller
    framing: Framing
    has_body: bool
    upgrade: bool

    @property
    def repeatable(self) -> bool:
        """Whether sending it a second time is allowed: an idempotent method, nothing of a body, no upgrade."""
        return not self.has_body and not self.upgrade and self.http.method in REPEATABLE

    @property
    def modern(self) -> bool:
        """Whether the client speaks HTTP/1.1, so that it understands chunks and interim answers."""
        return self.http.version >= (1, 1)


def read_request(http: web.BaseRequest, *, trusted: bool) -> Asked:
    """The request; raises Refusal when it cannot be passed on. `trusted` keeps what it says about earlier proxies."""
    if http.method == "CONNECT":
        raise Refusal(405, "The gateway is no forward proxy.")
    target, authority, fields = _origin(http.raw_path, http.headers.get("Host", ""), http.raw_headers)
    if not authority and http.version >= (1, 1):
        raise Refusal(400, "The request has no Host header.")
    if http.headers.get("Expect", "100-continue").lower() != "100-continue":
        raise Refusal(417, "The only expectation the gateway knows is 100-continue.")
    path, _, query = target.partition("?")
    length = http.headers.get("Content-Length")
    request_id = http.headers.get("X-Request-Id", "")
    caller = Caller(
        address=http.remote or "unknown",
        host=authority.encode("utf-8", "surrogateescape"),
        request_id=request_id.encode("utf-8", "surrogateescape") if request_id else secrets.token_hex(16).encode(),
        has_id=bool(request_id),
        trusted=trusted,
    )
    return Asked(
        http=http,
        host=rules.split_host(authority),
        target=target,
        path=path,
        query=query,
        fields=fields,
        caller=caller,
        framing=Framing(chunked=True)
        if "Transfer-Encoding" in http.headers
        else Framing(length=int(length) if length else None),
        has_body=http.body_exists,
        upgrade=_upgrades(http),
    )


def _origin(target: str, host: str, fields: Fields) -> tuple[str, str, Fields]:
    """Target in origin form, its host, and the fields with that Host, whichever of the two forms the request came in."""
    if target.startswith("/") or target == "*":
        return target, host, fields
    parts = urlsplit(target)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refusal(400, "The request's target is neither a path nor an http address.")
    authority = parts.netloc.rpartition("@")[2]
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    others = [each for each in fields if each[0].lower() != b"host"]
    return path, authority, [(b"Host", authority.encode("utf-8", "surrogateescape")), *others]


def _upgrades(http: web.BaseRequest) -> bool:
    """Whether the client asks for a WebSocket. Other protocols to upgrade to are not passed on: the request stays HTTP/1.1."""
    if "Upgrade" not in http.headers or http.headers["Upgrade"].lower() != "websocket":
        return False
    return "upgrade" in {part.strip().lower() for part in http.headers.get("Connection", "").split(",")}
