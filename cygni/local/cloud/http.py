"""The HTTP API on one machine: the same Chalice app, behind a threaded HTTP/1.1 server in the place of API Gateway."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

from chalicelib.api.edge import no_route
from chalicelib.api.problems import BASE, CONTENT_TYPE, Problem, unexpected
from cygni.local.cloud.events import Answered, Asked, RouteTable, from_answer, to_event
from cygni.local.cloud.wire import Limits, Reader, Refusal, Request

LOG = logging.getLogger("cloud.http")

App = Callable[[dict[str, Any], Any], Mapping[str, Any]]
"""A Lambda handler behind API Gateway, such as a Chalice app."""

_BODILESS = frozenset({204, 304})
_CODES = {408: "malformed", 413: "too-large"}
_REMEDIES = {
    408: "Send the request without pauses.",
    413: "Send less. The bytes of a source go to its upload address, not here.",
}
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Served:
    """What is served: the app, its routes (path → methods), and what makes the context of an invocation from a request id."""

    app: App
    routes: Mapping[str, Mapping[str, Any]]
    context: Callable[[str], Any]


@dataclass(slots=True, eq=False)
class _Connection:
    """One client. `busy` while a request of its is in hand."""

    socket: socket.socket
    busy: bool = False

    def shut(self, how: int) -> None:
        with contextlib.suppress(OSError):  # it may have gone by itself
            self.socket.shutdown(how)


class ApiServer:
    """Serves an app on a loopback port, a thread for each connection, at most `connections` at once."""

    def __init__(self, served: Served, port: int = 0, *, limits: Limits | None = None, connections: int = 256) -> None:
        self._served = served
        self._table = RouteTable(served.routes)
        self._limits = limits or Limits()
        self._free = threading.BoundedSemaphore(connections)
        self._open: set[_Connection] = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port), backlog=256)
        self.port = int(self._listener.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts accepting connections, in a thread."""
        threading.Thread(target=self._accept, name="api-accept", daemon=True).start()

    def stop(self, seconds: float = 3.0) -> None:
        """Accepts no more, closes idle connections, lets requests in hand end for `seconds`, then closes the rest."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept(), which close() alone does not
        self._listener.close()
        deadline = time.monotonic() + seconds
        while (left := self._connections()) and time.monotonic() < deadline:
            for each in left:
                if not each.busy:
                    each.shut(socket.SHUT_RD)
            time.sleep(0.02)
        for each in self._connections():
            each.shut(socket.SHUT_RDWR)

    def _connections(self) -> list[_Connection]:
        with self._lock:
            return list(self._open)

    def _accept(self) -> None:
        while not self._stopping.is_set():
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                if self._stopping.is_set():
                    return
                time.sleep(0.05)  # out of file descriptors, say: the next attempt may pass
                continue
            if not self._free.acquire(blocking=False):
                with contextlib.suppress(OSError), accepted:
                    accepted.sendall(_BUSY)
                continue
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection = _Connection(accepted)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._converse, args=(connection,), name="api", daemon=True).start()

    def _converse(self, connection: _Connection) -> None:
        """All requests of one connection, until either side has enough."""
        reader = Reader(connection.socket, self._limits)
        try:
            while not self._stopping.is_set() and self._exchange(connection, reader):
                connection.busy = False
        except OSError:
            LOG.debug("a client went away in the middle of an answer")
        finally:
            with self._lock:
                self._open.discard(connection)
            _close(connection.socket)
            self._free.release()

    def _exchange(self, connection: _Connection, reader: Reader) -> bool:
        """One request and its answer; says whether another may follow."""
        request_id = str(uuid.uuid4())
        try:
            request = reader.read()
        except Refusal as refusal:
            answer = _refused(refusal, request_id)
            LOG.info("refused %d: %s", refusal.status, refusal.message)
            connection.socket.settimeout(self._limits.head)
            connection.socket.sendall(_bytes(answer, request_id, keep_alive=False, head=False))
            return False
        if request is None:
            return False
        connection.busy = True
        started = time.monotonic()
        answer = self._answer(request, request_id)
        keep = request.keep_alive and not self._stopping.is_set()
        connection.socket.settimeout(self._limits.body_time)
        connection.socket.sendall(_bytes(answer, request_id, keep_alive=keep, head=request.asked.method == "HEAD"))
        _log(request.asked, answer.status, time.monotonic() - started)
        return keep

    def _answer(self, request: Request, request_id: str) -> Answered:
        asked = request.asked
        match = self._table.match(asked.target.partition("?")[0])
        if match is None or asked.method not in match.methods:
            status, headers, body = no_route(match.methods if match else (), request_id)
            return Answered(status, list(headers.items()), body.encode())
        try:
            event = to_event(asked, match, request_id, datetime.now(UTC))
            return from_answer(self._served.app(event, self._served.context(request_id)))
        except Exception:  # broad: API Gateway answers for an app that fails, and so does this
            LOG.exception("%s %s failed, request %s", asked.method, match.route, request_id)
            return _problem(unexpected(request_id))


def _refused(refusal: Refusal, request_id: str) -> Answered:
    return _problem(
        Problem(
            type=BASE + (code := _CODES.get(refusal.status, "malformed")),
            title=HTTPStatus(refusal.status).phrase,
            status=refusal.status,
            detail=refusal.message,
            code=code,
            remedy=_REMEDIES.get(refusal.status, "Send the request as HTTP/1.1 describes it."),
            instance=request_id,
        )
    )


def _problem(problem: Problem) -> Answered:
    return Answered(problem.status, [("Content-Type", CONTENT_TYPE)], problem.model_dump_json(exclude_none=True).encode())


def _bytes(answer: Answered, request_id: str, *, keep_alive: bool, head: bool) -> bytes:
    """The whole answer, to be sent in one piece: two small packets would wait for each other's acknowledgement."""
    lines = [f"HTTP/1.1 {answer.status} {_phrase(answer.status)}"]
    lines += [f"{name}: {value}" for name, value in answer.headers if name.lower() not in _OURS]
    lines += [f"Date: {formatdate(usegmt=True)}", f"X-Request-Id: {request_id}"]
    if answer.status not in _BODILESS:
        lines.append(f"Content-Length: {len(answer.body)}")
    if not keep_alive:
        lines.append("Connection: close")
    text = "\r\n".join(lines) + "\r\n\r\n"
    return text.encode("latin-1", "replace") + (b"" if head or answer.status in _BODILESS else answer.body)


_OURS = frozenset({"content-length", "connection", "transfer-encoding", "date", "x-request-id"})


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


def _log(asked: Asked, status: int, seconds: float) -> None:
    """One short line. Never the query nor a header: those may hold secrets."""
    path = asked.target.partition("?")[0]
    LOG.info("%s %s %d %.0f ms", asked.method, path if len(path) <= 200 else path[:200] + "…", status, seconds * 1000)


def _close(connection: socket.socket) -> None:
    """Closes without a reset, which could take the answer with it: what the client still sends is read for a moment."""
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(0.5)
        for _ in range(64):
            if not connection.recv(65536):
                break
    connection.close()
