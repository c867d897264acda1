"""The answers of pods, parsed without sockets: bytes in, a head and pieces of body out.

Strict where a mistake could make one answer look like two (framing), because connections are used again: whatever is in
doubt raises BadAnswer and the connection is closed. Trailers and interim answers (1xx but 101) are read and dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from cygni.local.gateway.headers import Framing

MAX_HEAD = 64 * 1024
_MAX_LINE = 8 * 1024
_NO_BODY = frozenset((204, 304))
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class BadAnswer(Exception):
    """What a pod sent is not HTTP/1.1, or ended too soon. The message says what was wrong."""


@dataclass(frozen=True, slots=True)
class Head:
    """A status line and its fields, in order. `keep` tells whether the pod will take another request on the connection."""

    status: int
    reason: bytes
    fields: tuple[tuple[bytes, bytes], ...]
    framing: Framing
    keep: bool


class _At(Enum):
    HEAD = auto()
    LENGTH = auto()
    SIZE = auto()
    CHUNK = auto()
    CHUNK_END = auto()
    TRAILER = auto()
    CLOSE = auto()
    RAW = auto()
    DONE = auto()


class AnswerParser:
    """Parses one answer. `head` is None until it came; `waiting` counts the bytes of body that `take` would give."""

    __slots__ = ("_at", "_buffer", "_left", "_method", "_pieces", "_seen", "head", "started", "waiting")

    def __init__(self, method: str) -> None:
        self._method = method
        self._at = _At.HEAD
        self._buffer = b""
        self._seen = 0  # how much of the buffer is parsed; cut off once per feed, since cutting per chunk is quadratic
        self._left = 0
        self.head: Head | None = None
        self.started = False
        self.waiting = 0
        self._pieces: list[bytes] = []

    @property
    def done(self) -> bool:
        """Whether the whole answer was seen."""
        return self._at is _At.DONE

    @property
    def clean(self) -> bool:
        """Whether the answer is whole and nothing follows it, so that the connection may carry another."""
        return self._at is _At.DONE and not self._buffer

    def feed(self, data: bytes) -> None:
        """Takes what came from the pod; raises BadAnswer when it cannot be an answer."""
        self.started = True
        self._buffer = self._buffer + data if self._buffer else data
        self._seen = 0
        while self._seen < len(self._buffer) and self._step():
            pass
        self._buffer = self._buffer[self._seen :]

    def take(self) -> bytes:
        """All of the body that came and was not taken yet."""
        data = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self.waiting = 0
        return data

    def eof(self) -> None:
        """Takes the end of the connection; raises BadAnswer when the answer is not whole."""
        if self._at in (_At.CLOSE, _At.RAW):
            self._at = _At.DONE
        elif self._at is not _At.DONE:
            raise BadAnswer("closed the connection in the middle of its answer" if self.started else "closed the connection")

    def _step(self) -> bool:
        """One step of progress; False when more bytes are needed or none are wanted."""
        match self._at:
            case _At.HEAD:
                return self._take_head()
            case _At.LENGTH | _At.CHUNK:
                return self._take_counted()
            case _At.SIZE:
                return self._take_size()
            case _At.CHUNK_END:
                return self._take_chunk_end()
            case _At.TRAILER:
                return self._take_trailer()
            case _At.CLOSE | _At.RAW:
                self._left = len(self._buffer)
                self._take_piece()
        return False

    def _take_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n", self._seen)
        if max(end, len(self._buffer) if end < 0 else 0) - self._seen > MAX_HEAD:
            raise BadAnswer(f"sent a head of more than {MAX_HEAD} bytes")
        if end < 0:
            return False
        head = parse_head(self._buffer[self._seen : end], self._method)
        self._seen = end + 4
        if head.status >= 200 or head.status == 101:
            self.head = head
            self._at, self._left = self._after_head(head)
        return True

    def _after_head(self, head: Head) -> tuple[_At, int]:
        if head.status == 101:
            return _At.RAW, 0
        if self._method == "HEAD" or head.status in _NO_BODY or head.framing.length == 0:
            return _At.DONE, 0
        if head.framing.chunked:
            return _At.SIZE, 0
        return (_At.CLOSE, 0) if head.framing.length is None else (_At.LENGTH, head.framing.length)

    def _take_piece(self) -> None:
        piece = self._buffer[self._seen : self._seen + self._left]
        self._seen += len(piece)
        self._left -= len(piece)
        self._pieces.append(piece)
        self.waiting += len(piece)

    def _take_counted(self) -> bool:
        self._take_piece()
        if not self._left:
            self._at = _At.DONE if self._at is _At.LENGTH else _At.CHUNK_END
        return True

    def _line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n", self._seen)
        if max(end, len(self._buffer) if end < 0 else 0) - self._seen > _MAX_LINE:
            raise BadAnswer("sent a chunk size or trailer that is too long")
        if end < 0:
            return None
        line = self._buffer[self._seen : end]
        self._seen = end + 2
        return line

    def _take_size(self) -> bool:
        line = self._line()
        if line is None:
            return False
        digits = line.partition(b";")[0].strip()
        if not digits or len(digits) > 15 or digits.strip(b"0123456789abcdefABCDEF"):
            raise BadAnswer("sent a chunk with a malformed size")
        self._left = int(digits, 16)
        self._at = _At.CHUNK if self._left else _At.TRAILER
        return True

    def _take_chunk_end(self) -> bool:
        end = self._buffer[self._seen : self._seen + 2]
        if not b"\r\n".startswith(end):
            raise BadAnswer("sent a chunk longer than its size")
        if len(end) < 2:
            return False
        self._seen += 2
        self._at = _At.SIZE
        return True

    def _take_trailer(self) -> bool:
        line = self._line()
        if line == b"":
            self._at = _At.DONE
        return line is not None


def parse_head(raw: bytes, method: str) -> Head:
    """The head in `raw` (without its empty line), as an answer to a request of this method. Raises BadAnswer."""
    first, *lines = raw.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    code, _, reason = rest.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or len(code) != 3 or not code.isdigit() or code < b"100":
        raise BadAnswer("did not answer in HTTP/1.1")
    if b"\r" in first or b"\n" in first:
        raise BadAnswer("sent a malformed status line")
    fields = tuple(_field(line) for line in lines)
    framing, sure = _framing(fields)
    said = {part.strip() for name, value in fields if name.lower() == b"connection" for part in value.lower().split(b",")}
    keep = sure and b"close" not in said and (version == b"HTTP/1.1" or b"keep-alive" in said)
    status = int(code)
    ends_by_close = framing.length is None and not framing.chunked and method != "HEAD" and status not in _NO_BODY
    return Head(status, reason, fields, framing, keep and not ends_by_close)


def _field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not name or not _TOKEN.issuperset(name):
        raise BadAnswer("sent a malformed header line")
    value = value.strip(b" \t")
    if b"\r" in value or b"\n" in value or b"\0" in value:
        raise BadAnswer("sent a header with a control character")
    return name, value


def _framing(fields: tuple[tuple[bytes, bytes], ...]) -> tuple[Framing, bool]:
    """How the body ends, and whether that is beyond doubt (a length beside chunks is not)."""
    lengths: set[bytes] = set()
    codings: list[bytes] = []
    for name, value in fields:
        lower = name.lower()
        if lower == b"content-length":
            lengths.update(part.strip() for part in value.split(b","))
        elif lower == b"transfer-encoding":
            codings.extend(part.strip().lower() for part in value.split(b","))
    if codings:
        if codings != [b"chunked"]:
            raise BadAnswer("sent a transfer coding other than chunked")
        return Framing(chunked=True), not lengths
    if not lengths:
        return Framing(), True
    (length, *more) = lengths
    if more or not length.isdigit() or len(length) > 18:
        raise BadAnswer("sent a malformed Content-Length")
    return Framing(length=int(length)), True
