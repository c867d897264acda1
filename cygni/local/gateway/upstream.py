"""Connections to pods: opened within a time limit, used again while they are young, closed when in doubt.

A pod may close an idle connection at any moment, and a request written at that moment is lost. Three rules keep that from
becoming a user's 502: an idle connection is used again only for `keepalive` seconds (shorter than servers' own time-outs),
one that the pod closed or wrote to meanwhile is never used, and a request that must not be sent twice always travels on a
connection of its own (`reuse=False`).
"""

from __future__ import annotations

import asyncio
import select
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection
from typing import cast

from cygni.local.gateway.http1 import AnswerParser, BadAnswer, Head
from cygni.local.gateway.table import Endpoint

_HIGH = 256 * 1024
_IDLE_LIMIT = 256
_PARTING = 1.0
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class ConnectFailed(Exception):
    """No connection to the pod came about; nothing was sent to it. The message says why."""


class AnswerLate(Exception):
    """The pod did not answer, or stopped answering, for longer than it may."""


class Connection(asyncio.Protocol):
    """One connection to a pod, carrying one request at a time.

    `exchange` begins a request; `head` and `body` wait for the answer, which raise BadAnswer when the pod breaks off and
    AnswerLate when it takes too long. Reading stops while the reader is behind; `drain` waits while the pod is.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.reused = False
        self.idle_since = 0.0
        self.closed = False
        self.transport: asyncio.Transport
        self.parser = AnswerParser("GET")
        self.on_writable: Callable[[], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._error: Exception | None = None
        self._idle = True
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._paused_reading = False
        self._paused_writing = False

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._idle:  # nobody asked: whatever it is, it is no answer to the next request
            self.abort()
            return
        try:
            self.parser.feed(data)
        except BadAnswer as error:
            self.fail(error)
            return
        if not self._paused_reading and self.parser.waiting > _HIGH:
            self._paused_reading = True
            self.transport.pause_reading()
        if not self.parser.done:
            self._acknowledge()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if not self._idle and self._error is None:
            try:
                self.parser.eof() if exc is None else self._broken()
            except BadAnswer as error:
                self._error = error
        self._wake()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._paused_writing = True

    def resume_writing(self) -> None:
        self._paused_writing = False
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)
        if self.on_writable is not None:
            self.on_writable()

    # what an exchange calls

    def exchange(self, method: str, head: bytes) -> None:
        """Begins a request by writing its head."""
        self.parser = AnswerParser(method)
        self._idle = False
        self.transport.write(head)

    async def head(self) -> Head:
        """The head of the answer; `expire_after` limits the wait."""
        while self.parser.head is None:
            await self._read_more()
        return self.parser.head

    async def body(self, patience: float = 0.0) -> bytes:
        """The next of the body, all that is there; empty at its end. Waits at most `patience` seconds, 0 for ever."""
        parser = self.parser
        if not parser.waiting and not parser.done:
            timer = self.expire_after(patience, f"sent nothing for {patience:g} s") if patience else None
            try:
                while not parser.waiting and not parser.done:
                    await self._read_more()
            finally:
                if timer is not None:
                    timer.cancel()
        data = parser.take()
        if self._paused_reading and not self.closed:
            self._paused_reading = False
            self.transport.resume_reading()
        return data

    def expire_after(self, seconds: float, message: str) -> asyncio.TimerHandle:
        """Lets the exchange fail with AnswerLate after that time, unless the timer is cancelled."""
        return self._loop.call_later(seconds, self.fail, AnswerLate(message))

    async def drain(self) -> None:
        """Waits until the pod takes more of the request."""
        if self._paused_writing and not self.closed:
            self._writer = self._loop.create_future()
            await self._writer

    @property
    def writable(self) -> bool:
        """Whether the pod takes more bytes now."""
        return not self._paused_writing

    def fail(self, error: Exception) -> None:
        """Ends the exchange with an error, which whoever waits for the answer gets, unless one came before."""
        if self._error is None:
            self._error = error
        self.abort()
        self._wake()

    def abort(self) -> None:
        """Closes without sending what is still unsent."""
        self.closed = True
        self.transport.abort()

    def rest(self) -> bool:
        """Ends an exchange; True when its answer was whole and the connection is still open."""
        self._idle = True
        return self.parser.clean and not self.closed and not self.transport.is_closing()

    @property
    def keep(self) -> bool:
        """Whether the pod said that it takes another request."""
        return self.parser.head is not None and self.parser.head.keep

    def readable(self) -> bool:
        """Whether an idle connection has something to read: its end, or what nobody asked for.

        Asks the system, since the loop may not have come round to tell yet.
        """
        poll = select.poll()
        poll.register(self.transport.get_extra_info("socket").fileno(), select.POLLIN)
        return bool(poll.poll(0))

    async def _read_more(self) -> None:
        if self._error is not None:
            raise self._error
        if self.closed:
            raise BadAnswer("closed the connection")
        self._reader = self._loop.create_future()
        await self._reader

    def _acknowledge(self) -> None:
        """Tells the pod at once that its packet came, where the system can.

        Many servers write head and body apart and hold the second packet back until the first is acknowledged, which the
        system puts off by 40 ms.
        """
        if _QUICKACK is not None:
            self.transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _broken(self) -> None:
        if not self.parser.done:
            raise BadAnswer("broke the connection off")


class Pool:
    """Connections to pods, and how many requests each endpoint has in flight (`active`)."""

    def __init__(self, *, connect_timeout: float = 5.0, keepalive: float = 1.0) -> None:
        self.active: defaultdict[Endpoint, int] = defaultdict(int)
        self._connect_timeout = connect_timeout
        self._keepalive = keepalive
        self._idle: dict[Endpoint, list[Connection]] = {}
        self._loop = asyncio.get_running_loop()

    def idle(self, endpoint: Endpoint) -> Connection | None:
        """An open connection that answered a moment ago, or None."""
        resting = self._idle.get(endpoint)
        while resting:
            connection = resting.pop()
            young = self._loop.time() - connection.idle_since < self._keepalive
            if young and not connection.closed and not connection.readable():
                connection.reused = True
                return connection
            connection.abort()
        return None

    async def connect(self, endpoint: Endpoint) -> Connection:
        """A fresh connection; raises ConnectFailed when the pod does not take it in time."""
        opening: Awaitable[tuple[asyncio.Transport, Connection]]
        opening = self._loop.create_connection(lambda: Connection(endpoint), endpoint.host, endpoint.port)
        try:
            async with asyncio.timeout(self._connect_timeout):
                return (await opening)[1]
        except TimeoutError:
            raise ConnectFailed(f"took no connection within {self._connect_timeout:g} s") from None
        except OSError as error:
            raise ConnectFailed("refused the connection" if isinstance(error, ConnectionRefusedError) else str(error)) from None

    def give_back(self, connection: Connection, *, reuse: bool) -> None:
        """Takes a connection whose exchange is over: kept when it can carry another request, closed otherwise.

        Where the pod was asked to close, it is given a moment to be first: who closes first has the port to bury.
        """
        whole = connection.rest()
        resting = self._idle.setdefault(connection.endpoint, [])
        if whole and reuse and connection.keep and len(resting) < _IDLE_LIMIT:
            connection.idle_since = self._loop.time()
            resting.append(connection)
        elif whole:
            self._loop.call_later(_PARTING, connection.abort)
        else:
            connection.abort()

    def began(self, endpoint: Endpoint) -> None:
        """Counts a request in flight."""
        self.active[endpoint] += 1

    def ended(self, endpoint: Endpoint) -> None:
        """Counts it no longer."""
        self.active[endpoint] -= 1
        if not self.active[endpoint]:
            del self.active[endpoint]

    def retain(self, endpoints: Collection[Endpoint]) -> None:
        """Closes idle connections to all other endpoints; what is in flight there goes on to its end."""
        for endpoint in [each for each in self._idle if each not in endpoints]:
            for connection in self._idle.pop(endpoint):
                connection.abort()

    def sweep(self) -> None:
        """Closes connections that have been idle for too long."""
        oldest = self._loop.time() - self._keepalive
        for endpoint, resting in list(self._idle.items()):
            for connection in [each for each in resting if each.closed or each.idle_since < oldest]:
                resting.remove(connection)
                connection.abort()
            if not resting:
                del self._idle[endpoint]

    def close(self) -> None:
        """Closes all idle connections."""
        self.retain(())
