"""Reading one HTTP/1.1 request from a connection, with limits on its size and on the time it may take.

Strict where leniency is dangerous: one length, one meaning. What it cannot read it refuses with a Refusal, after which the
connection is of no more use.
"""

from __future__ import annotations

import io
import re
import socket
import time
from dataclasses import dataclass

from cygni.local.cloud.events import Asked, Headers

_METHOD = re.compile(r"^[A-Z]{1,20}$")
_TARGET = re.compile(r"^/[\x21-\x7e]*$")
_NAME = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
_LENGTH = re.compile(r"^\d{1,15}$")
_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LINE_LIMIT = 16 * 1024
_HEADERS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes of a body; seconds that a connection may be idle, a head may take, and a body may take."""

    body: int = 10 * 1024 * 1024
    idle: float = 75.0
    head: float = 10.0
    body_time: float = 60.0


class Refusal(Exception):
    """The request cannot be read; `status` is the HTTP status to answer with. The connection is of no more use."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@dataclass(frozen=True, slots=True)
class Request:
    """What was read, and whether the client wants to send another on the same connection."""

    asked: Asked
    keep_alive: bool


class TimedStream(io.RawIOBase):
    """The reading side of a socket, which raises TimeoutError once the deadline has passed, however slowly bytes drip in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._deadline = 0.0

    def allow(self, seconds: float) -> None:
        """Sets the deadline to `seconds` from now."""
        self._deadline = time.monotonic() + seconds

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: object) -> int:
        """Reads what is there, or waits for it until the deadline."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)  # type: ignore[arg-type]  # a buffer by contract of RawIOBase


class Reader:
    """Requests of one connection, one after the other."""

    def __init__(self, connection: socket.socket, limits: Limits) -> None:
        self._connection = connection
        self._limits = limits
        self._raw = TimedStream(connection)
        self._stream = io.BufferedReader(self._raw, 64 * 1024)

    def read(self) -> Request | None:
        """The next request; None when the client has gone or said nothing for too long. Raises Refusal."""
        self._raw.allow(self._limits.idle)
        try:
            if not self._stream.peek(1):
                return None
        except (TimeoutError, OSError):
            return None
        try:
            return self._request()
        except TimeoutError:
            raise Refusal(408, "The request took too long to arrive.") from None
        except ConnectionError:
            return None

    def _request(self) -> Request | None:
        self._raw.allow(self._limits.head)
        line = self._line(414) or self._line(414)  # one empty line before a request is to be ignored
        method, target, version = _request_line(line)
        headers = self._headers()
        self._raw.allow(self._limits.body_time)
        known = {name.lower(): value for name, value in headers}
        if sum(name.lower() == "host" for name, _ in headers) != (1 if version == "HTTP/1.1" else "host" in known):
            raise Refusal(400, "The request needs exactly one Host header.")
        body = self._body(headers, known)
        tokens = {token.strip().lower() for token in known.get("connection", "").split(",")}
        keep = "close" not in tokens and (version == "HTTP/1.1" or "keep-alive" in tokens)
        return Request(Asked(method, target, headers, body), keep)

    def _line(self, status: int = 431) -> str:
        data = self._stream.readline(_LINE_LIMIT + 1)
        if len(data) > _LINE_LIMIT:
            raise Refusal(status, "A line of the request is too long.")
        if not data.endswith(b"\n"):
            raise ConnectionError("the client went away")
        return data.removesuffix(b"\n").removesuffix(b"\r").decode("latin-1")

    def _headers(self) -> Headers:
        headers: Headers = []
        while line := self._line():
            name, colon, value = line.partition(":")
            value = value.strip(" \t")
            if not colon or not _NAME.match(name) or _VALUE.search(value):
                raise Refusal(400, "A header of the request is malformed.")
            headers.append((name, value))
            if len(headers) > _HEADERS_LIMIT:
                raise Refusal(431, f"The request has more than {_HEADERS_LIMIT} headers.")
        return headers

    def _body(self, headers: Headers, known: dict[str, str]) -> bytes:
        lengths = {value for name, value in headers if name.lower() == "content-length"}
        coding = known.get("transfer-encoding")
        if coding is not None:
            if lengths:
                raise Refusal(400, "The request says its length in two ways.")
            if coding.lower() != "chunked":
                raise Refusal(501, "Transfer-Encoding can be chunked only.")
            self._invite(known)
            return self._chunks()
        if not lengths:
            return b""
        if len(lengths) > 1 or not _LENGTH.match(text := lengths.pop()):
            raise Refusal(400, "Content-Length is not one number.")
        self._check_size(int(text))
        self._invite(known)
        return self._exactly(int(text))

    def _chunks(self) -> bytes:
        body = bytearray()
        while True:
            text = self._line().partition(";")[0].strip()
            if not re.fullmatch(r"[0-9a-fA-F]{1,8}", text):
                raise Refusal(400, "A chunk of the body has no size.")
            size = int(text, 16)
            self._check_size(len(body) + size)
            if size == 0:
                self._headers()
                return bytes(body)
            body += self._exactly(size)
            if self._line():
                raise Refusal(400, "A chunk of the body is longer than it says.")

    def _exactly(self, size: int) -> bytes:
        data = self._stream.read(size)
        if data is None or len(data) < size:
            raise ConnectionError("the client went away")
        return data

    def _check_size(self, size: int) -> None:
        if size > self._limits.body:
            raise Refusal(413, f"The body is larger than {self._limits.body // (1024 * 1024)} MB.")

    def _invite(self, known: dict[str, str]) -> None:
        if known.get("expect", "").lower() == "100-continue":
            self._connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


def _request_line(line: str) -> tuple[str, str, str]:
    parts = line.split(" ")
    if len(parts) != 3 or not _METHOD.match(parts[0]):
        raise Refusal(400, "The request line is malformed.")
    method, target, version = parts
    if version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise Refusal(505, "This server speaks HTTP/1.1.")
    if target.startswith("http://"):
        target = "/" + target.removeprefix("http://").partition("/")[2]
    if not _TARGET.match(target) or "#" in target or re.search(r"%(?![0-9A-Fa-f]{2})", target.partition("?")[0]):
        raise Refusal(400, "The path of the request is malformed.")
    return method, target, version
