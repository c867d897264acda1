"""Serves containers' logs as a kubelet does, for the API server's `pods/log`: on loopback, plain or with TLS."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web

from cygni.local.node.container import Container
from cygni.local.node.context import NodeConfig
from cygni.local.node.logs import LogWriter, Wanted, rotated, stamp, stream
from cygni.local.node.rules import Waiting
from cygni.local.node.status import ADDRESS

FindContainer = Callable[[str, str, str], Container | None]
"""(namespace, pod, container) → the container, if it is on this node."""

_FRACTION = re.compile(r"\.(\d+)")
BILLION = 1_000_000_000


class LogServer:
    """An HTTP server of `/containerLogs/{namespace}/{pod}/{container}`; `port` is known once it is started."""

    def __init__(self, config: NodeConfig, find: FindContainer) -> None:
        self._config, self._find = config, find
        app = web.Application()
        app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", self._logs, allow_head=False)
        app.router.add_get("/healthz", self._healthz)
        # A follower that goes away must not be waited for until the container prints again.
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        self.port = 0

    async def start(self) -> None:
        """Listens from now on."""
        await self._runner.setup()
        site = web.TCPSite(self._runner, ADDRESS, self._config.log_port, ssl_context=_tls(self._config))
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Ends all answers."""
        await self._runner.cleanup()

    async def _healthz(self, _: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def _logs(self, request: web.Request) -> web.StreamResponse:
        info, query = request.match_info, request.query
        container = self._find(info["namespace"], info["pod"], info["container"])
        if container is None:
            raise web.HTTPNotFound(text=f'pod "{info["pod"]}" has no container "{info["container"]}" on this node')
        try:
            wanted = wanted_of(query, datetime.now(UTC))
        except ValueError as error:
            raise web.HTTPBadRequest(text=str(error)) from None
        path, writer = _log_of(container, info["pod"], previous=_true(query.get("previous")))
        response = web.StreamResponse(headers={"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-cache"})
        await response.prepare(request)
        async for block in stream(path, wanted, writer if _true(query.get("follow")) else None):
            await response.write(block)
        await response.write_eof()
        return response


def _log_of(container: Container, pod: str, *, previous: bool) -> tuple[Path, LogWriter | None]:
    """The log that is asked for. Raises HTTPBadRequest where there is none yet, or none any more."""
    path, writer = container.log(previous=previous)
    if path.exists() or rotated(path).exists():
        return path, writer
    name, state = container.spec.name, container.view().state
    if previous:
        raise web.HTTPBadRequest(text=f'previous terminated container "{name}" in pod "{pod}" not found')
    reason = state.reason if isinstance(state, Waiting) else "ContainerCreating"
    raise web.HTTPBadRequest(text=f'container "{name}" in pod "{pod}" is waiting to start: {reason}')


def wanted_of(query: Mapping[str, str], now: datetime) -> Wanted:
    """What the query asks for. Raises ValueError naming the parameter that is wrong."""
    since = 0
    if "sinceTime" in query:
        since = _nanoseconds(query["sinceTime"])
    elif "sinceSeconds" in query:
        since = int(now.timestamp()) * BILLION - _number(query, "sinceSeconds", 1) * BILLION
    return Wanted(
        tail=_number(query, "tailLines", 0) if query.get("tailLines") else None,
        since=stamp(max(0, since)) if since else b"",
        timestamps=_true(query.get("timestamps")),
        limit=_number(query, "limitBytes", 1) if query.get("limitBytes") else None,
    )


def _number(query: Mapping[str, str], name: str, least: int) -> int:
    text = query[name]
    if not text.isdecimal() or int(text) < least:
        raise ValueError(f"{name} must be a whole number of at least {least}, not {text!r}")
    return int(text)


def _nanoseconds(text: str) -> int:
    """A time in RFC 3339 as Unix nanoseconds, none of its nine digits lost."""
    fraction = _FRACTION.search(text)
    try:
        moment = datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00"))
    except ValueError:
        raise ValueError(f"sinceTime must be a time such as 2026-01-02T03:04:05Z, not {text!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"sinceTime must say its time zone, such as 2026-01-02T03:04:05Z, not {text!r}")
    return int(moment.timestamp()) * BILLION + (int(fraction[1][:9].ljust(9, "0")) if fraction else 0)


def _true(text: str | None) -> bool:
    return (text or "").lower() in ("true", "1", "t")


def _tls(config: NodeConfig) -> ssl.SSLContext | None:
    if config.tls_cert is None or config.tls_key is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(config.tls_cert, config.tls_key)
    return context
