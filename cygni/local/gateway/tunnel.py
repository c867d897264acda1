"""An upgraded connection (WebSocket): once the pod said 101, bytes go both ways untouched until either side ends.

Frames are not taken apart, so close codes, pings, subprotocols and extensions are between client and pod.
"""

from __future__ import annotations

import asyncio
from typing import Any, cast

from aiohttp import web

from cygni.local.gateway.upstream import AnswerLate, Connection


class _FromClient:
    """What the HTTP server gives the client's bytes to after the upgrade. Stops reading the client while the pod is behind."""

    def __init__(self, client: asyncio.Transport | None, connection: Connection) -> None:
        self.last = asyncio.get_running_loop().time()
        self._client = client
        self._connection = connection
        connection.on_writable = self._resume

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Passes bytes on to the pod; says that there is more to come and nothing left over."""
        self.last = asyncio.get_running_loop().time()
        if not self._connection.closed:
            self._connection.transport.write(data)
            if self._client is not None and not self._connection.writable:
                self._client.pause_reading()
        return False, b""

    def feed_eof(self) -> None:
        """The client left; the handler is cancelled for that, and ends the tunnel."""

    def _resume(self) -> None:
        if self._client is not None and not self._client.is_closing():
            self._client.resume_reading()


async def relay(request: web.BaseRequest, connection: Connection, idle: float) -> None:
    """Carries bytes both ways until the pod ends the connection, or none flowed for `idle` seconds.

    Cancelled when the client leaves. Whatever the end, what the client sent last is still delivered to the pod.
    """
    loop = asyncio.get_running_loop()
    from_pod = loop.time()
    timer: asyncio.TimerHandle | None = None

    def watch() -> None:
        nonlocal timer
        rest = max(from_client.last, from_pod) + idle - loop.time()
        if rest <= 0:
            connection.fail(AnswerLate(f"carried nothing for {idle:g} s"))
        else:
            timer = loop.call_later(rest, watch)

    try:
        from_client = _FromClient(request.transport, connection)
        request.protocol.set_parser(cast(Any, from_client))
        watch()
        while data := await connection.body():
            from_pod = loop.time()
            await request.writer.write(data)
    finally:
        if timer is not None:
            timer.cancel()
        connection.on_writable = None
        connection.transport.close()
