"""One request and its answer, streamed through: nothing is buffered beyond a window, and each side waits for the other.

Nothing is retried. One case looks like it and is not: a request written on a kept connection that the pod was closing at that
very moment. It was never taken, so it is sent on a fresh connection, if it is of a kind that may be sent twice (RFC 9110,
9.2.2), not a byte of an answer came, and the end came at once (`STALE`), as it does when a connection was already closed.
All other requests never travel on a kept connection, so the question does not arise.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from aiohttp import web

from cygni.local.gateway import headers, tunnel
from cygni.local.gateway.answers import Refusal
from cygni.local.gateway.asked import Asked
from cygni.local.gateway.headers import Framing
from cygni.local.gateway.http1 import BadAnswer, Head
from cygni.local.gateway.metrics import Metrics
from cygni.local.gateway.table import Backend, Endpoint, Rule
from cygni.local.gateway.upstream import AnswerLate, ConnectFailed, Connection, Pool

STALE = 0.1
"""Seconds within which the end of a kept connection counts as news that was under way when the request was written."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: to connect to a pod, until its answer begins, without a byte either way, to keep idle connections, at the end,
    and to wait until a service that sleeps is awake."""

    connect: float = 5.0
    response: float = 60.0
    idle: float = 300.0
    keepalive: float = 1.0
    client_keepalive: float = 75.0
    drain: float = 5.0
    wake: float = 60.0


class ClientStalled(Exception):
    """The client stopped sending its request, or taking its answer."""


class ClientBroke(Exception):
    """The client's request body is malformed."""


class AnswerCut(ConnectionResetError):
    """The pod broke off after its answer had begun: all that is left is to cut the client's connection, so that it knows."""


class Exchange:
    """Carries one request to one endpoint and its answer back. `status` is that of the answer, 0 before it began."""

    def __init__(self, asked: Asked, rule: Rule, backend: Backend, endpoint: Endpoint, pool: Pool, limits: Limits) -> None:
        self.status = 0
        self._asked = asked
        self._http = asked.http
        self._rule = rule
        self._backend = backend
        self._endpoint = endpoint
        self._pool = pool
        self._limits = limits
        self._response_limit = rule.timeout or limits.response
        self._connection: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._sender: asyncio.Task[None] | None = None
        self._loop = asyncio.get_running_loop()

    async def run(self, metrics: Metrics, *, closing: bool) -> bool:
        """Carries the request; True when the client's connection can carry another.

        Raises Refusal (nothing was answered yet), AnswerCut, or ConnectionError and CancelledError when the client left.
        """
        whole = False
        try:
            connection, head = await self._ask(metrics)
            if head.status == 101:
                await self._switch(head)
                return False
            keep = await self._answer(connection, head, closing)
            whole = self._sender is None or self._sender.done()
            return keep and whole
        except ConnectFailed as error:
            raise self._refusal(502, f"The pod {error}.") from None
        except BadAnswer as error:
            raise self._cut(error) if self.status else self._refusal(502, f"The pod {error}.") from None
        except AnswerLate as error:
            raise self._cut(error) if self.status else self._refusal(504, f"The pod {error}.") from None
        except ClientStalled:
            raise Refusal(408, f"No more of the request's body came for {self._limits.idle:g} s.") from None
        except ClientBroke:
            raise Refusal(400, "The request's body is malformed.") from None
        finally:
            self._finish(whole)

    def _refusal(self, status: int, detail: str) -> Refusal:
        said = f"{detail} Service {self._backend.key.backend} in {self._backend.key.namespace}."
        return Refusal(status, said, self._backend.key, self._backend.revision)

    def _cut(self, error: Exception) -> AnswerCut:
        if self._http.transport is not None:
            self._http.transport.abort()
        return AnswerCut(str(error))

    def _finish(self, whole: bool) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._sender is not None:
            self._sender.cancel()
        if self._connection is not None and self.status != 101:
            self._pool.give_back(self._connection, reuse=whole and self._asked.repeatable)

    # the request

    async def _ask(self, metrics: Metrics) -> tuple[Connection, Head]:
        """Sends the request and waits for the head of the answer."""
        kept = self._pool.idle(self._endpoint) if self._asked.repeatable else None
        if kept is not None:
            started = self._loop.time()
            try:
                return kept, await self._send(kept)
            except BadAnswer:
                if kept.parser.started or self._loop.time() - started > STALE:
                    raise
                metrics.stale_connection()
        connection = await self._pool.connect(self._endpoint)
        return connection, await self._send(connection)

    async def _send(self, connection: Connection) -> Head:
        self._connection = connection
        first, rest = self._body_at_hand()
        connection.exchange(self._http.method, self._request_head() + first)
        try:
            if rest:
                self._invite()
                self._sender = self._loop.create_task(self._send_body(connection))
            else:
                self._await_answer(connection)
            return await connection.head()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _request_head(self) -> bytes:
        asked = self._asked
        return headers.request_head(
            asked.target.encode("utf-8", "surrogateescape"),
            self._http.method.encode(),
            asked.fields,
            asked.caller,
            asked.framing,
            change=self._rule.request_headers,
            connection=b"upgrade" if asked.upgrade else b"" if asked.repeatable else b"close",
        )

    def _body_at_hand(self) -> tuple[bytes, bool]:
        """What has come of the body already, framed, and whether there is more to come: most bodies come with their head."""
        if not self._asked.has_body:
            return b"", False
        try:
            data = self._http.content.read_nowait()
        except (web.RequestPayloadError, ConnectionError):
            raise ClientBroke from None
        last = self._http.content.at_eof()
        return _framed(data, self._asked.framing.chunked, last), not last

    def _await_answer(self, connection: Connection) -> None:
        limit = self._response_limit
        self._timer = connection.expire_after(limit, f"did not answer within {limit:g} s")

    def _invite(self) -> None:
        """Asks a client that waits for `100 Continue` for its body, now that there is somebody to take it."""
        if "Expect" in self._http.headers and self._asked.modern and self._http.transport is not None:
            self._http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def _send_body(self, connection: Connection) -> None:
        """Passes the body on as it comes. The pod may answer before its end, and the time to answer begins at its end."""
        content, chunked = self._http.content, self._asked.framing.chunked
        try:
            while not content.at_eof():
                async with asyncio.timeout(self._limits.idle):
                    data = await content.readany()
                connection.transport.write(_framed(data, chunked, content.at_eof()))
                await connection.drain()
        except TimeoutError:
            connection.fail(ClientStalled())
        except (web.RequestPayloadError, ConnectionError):
            connection.fail(ClientBroke())
        else:
            if connection.parser.head is None:
                self._await_answer(connection)

    # the answer

    async def _answer(self, connection: Connection, head: Head, closing: bool) -> bool:
        """Passes the answer on as it comes; True when the client's connection can carry another request."""
        sent_all = self._sender is None or self._sender.done()
        framing, keep = self._framing(head, self._http.keep_alive and not closing and sent_all)
        parser, write = connection.parser, self._http.writer.write
        data = self._head(head, framing, keep)
        self.status = head.status
        chunked = framing.chunked and self._http.method != "HEAD"
        if parser.done or parser.waiting:
            data += _framed(parser.take(), chunked, parser.done)
        if parser.done:
            await write(data)
            return keep
        await self._write(data)
        while not parser.done or parser.waiting:
            piece = await connection.body(self._limits.idle)
            await self._write(_framed(piece, chunked, parser.done))
        return keep

    async def _write(self, data: bytes) -> None:
        """Writes to the client, waiting for it while it is behind; a client that takes nothing for too long is let go."""
        try:
            async with asyncio.timeout(self._limits.idle):
                await self._http.writer.write(data)
                await self._http.writer.drain()
        except TimeoutError:
            if self._http.transport is not None:
                self._http.transport.abort()
            raise ConnectionResetError("the client stopped reading") from None

    def _framing(self, head: Head, keep: bool) -> tuple[Framing, bool]:
        """How the client is told the end of the body, and whether its connection stays open for it."""
        bodiless = self._http.method == "HEAD" or head.status in (204, 304)
        if bodiless:
            return head.framing if head.status != 204 and not head.framing.chunked else Framing(), keep
        if head.framing.length is not None:
            return head.framing, keep
        return (Framing(chunked=True), keep) if self._asked.modern else (Framing(), False)

    def _head(self, head: Head, framing: Framing, keep: bool) -> bytes:
        connection = b"" if keep and self._asked.modern else b"keep-alive" if keep else b"close"
        return headers.response_head(
            head.status,
            head.reason,
            head.fields,
            framing,
            change=self._rule.response_headers,
            revision=self._backend.revision,
            request_id=self._asked.caller.request_id,
            connection=connection,
        )

    async def _switch(self, head: Head) -> None:
        """Answers 101; from here on the connection is the tunnel's."""
        if not self._asked.upgrade:
            raise BadAnswer("switched protocols without being asked")
        revision = self._backend.revision
        answer = headers.response_head(101, head.reason, head.fields, Framing(), revision=revision, connection=b"upgrade")
        await self._http.writer.write(answer)
        self.status = 101

    async def tunnel(self) -> None:
        """Carries the bytes of an upgraded connection (`status` 101) until it ends, in whatever way."""
        if self._connection is not None:
            with suppress(BadAnswer, AnswerLate):
                await tunnel.relay(self._http, self._connection, self._limits.idle)


def _framed(data: bytes, chunked: bool, last: bool) -> bytes:
    """A piece of a body as it goes over the wire, with the end of the body after it if it is the last."""
    if not chunked:
        return data
    end = b"0\r\n\r\n" if last else b""
    return b"%x\r\n%b\r\n%b" % (len(data), data, end) if data else end
