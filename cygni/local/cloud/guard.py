"""Keeps web pages away from the embedded AWS.

It checks no signatures, so whoever reaches its port may do anything. Only this machine does; but a browser on it carries out
what any web page asks, by a request to a loopback address or to a name that was made to point there. So nothing that a
browser sends is let through, nor anything under a foreign name, nor ministack's own calls that wipe or change everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

HEALTH = "/_ministack/health"
_OWN_CALLS = ("/_ministack/", "/_localstack/")
_FROM_BROWSERS = frozenset({b"origin", b"sec-fetch-site", b"sec-fetch-mode"})
_NAMES = frozenset({"127.0.0.1", "localhost"})
_REFUSAL = b"This is the embedded AWS of Cygni; it is for Cygni's own processes.\n"


def guarded(app: App) -> App:
    """The app, behind the guard."""

    async def serve(scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] == "lifespan" or (scope["type"] == "http" and admits(scope["path"], scope["headers"])):
            await app(scope, receive, send)
        elif scope["type"] == "http":
            headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(_REFUSAL)).encode())]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})
        else:
            await send({"type": "websocket.close", "code": 1008})

    return serve


def admits(path: str, headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a request may pass; header names are in lower case."""
    if path.startswith(_OWN_CALLS) and path != HEALTH:
        return False
    if any(name in _FROM_BROWSERS for name, _ in headers):
        return False
    hosts = [value.decode("latin-1").rsplit(":", 1)[0] for name, value in headers if name == b"host"]
    return all(host in _NAMES or host.endswith(".localhost") for host in hosts)
