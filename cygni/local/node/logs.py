"""A container's log: what it prints, line by line with the time of arrival, in files that never grow beyond a bound.

A log is named by a path `<restarts>.log`; when it is full it becomes `<restarts>.log.1`, in place of an earlier one. Each
line is `2026-01-02T03:04:05.000000000Z text`, with nine digits always, so that lines sort and compare as text.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_BYTES = 10_000_000
MAX_LINE = 16_384
TAIL_LINES, TAIL_BYTES = 80, 2048
STAMP = len("2026-01-02T03:04:05.000000000Z ")
BLOCK = 65_536


def stamp(nanoseconds: int) -> bytes:
    """The time (Unix, in nanoseconds) as a line begins with it, without the space."""
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z".encode()


class LogWriter:
    """Writes one run of a container. To be used from one thread."""

    def __init__(self, path: Path, *, max_bytes: int = MAX_BYTES) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._max_bytes = max_bytes
        self._file = path.open("ab", buffering=0)
        self._size = self._file.tell()
        self._partial = b""
        self._tail: deque[bytes] = deque(maxlen=TAIL_LINES)
        self._grown = asyncio.Event()
        self.closed = False

    def write(self, chunk: bytes) -> None:
        """Takes what was printed; lines may be cut anywhere."""
        *lines, self._partial = (self._partial + chunk).split(b"\n")
        while len(self._partial) > MAX_LINE:
            lines.append(self._partial[:MAX_LINE])
            self._partial = self._partial[MAX_LINE:]
        if lines:
            self._append(lines)

    def close(self) -> None:
        """The container is gone: a last line without an end counts as one, and followers stop."""
        if self.closed:
            return
        if self._partial:
            self._append([self._partial])
            self._partial = b""
        self.closed = True
        self._file.close()
        self._wake()

    def last_words(self) -> str:
        """The last lines, for the message of a container that failed: 80 lines and 2048 bytes at most."""
        lines = [*self._tail, self._partial] if self._partial else list(self._tail)
        return b"\n".join(lines)[-TAIL_BYTES:].decode("utf-8", "replace").strip("\n")

    async def grown(self) -> None:
        """Waits until the log has grown, or is closed."""
        if not self.closed:
            await self._grown.wait()

    def _append(self, lines: list[bytes]) -> None:
        head = stamp(time.time_ns()) + b" "
        data = b"".join([part for line in lines for part in (head, line, b"\n")])
        if self._size and self._size + len(data) > self._max_bytes:
            self._rotate()
        with contextlib.suppress(OSError):  # a full disk loses lines of a log; it must not stop who writes them
            self._file.write(data)
            self._size += len(data)
        self._tail.extend(line[-TAIL_BYTES:] for line in lines[-TAIL_LINES:])
        self._wake()

    def _rotate(self) -> None:
        self._file.close()
        self.path.replace(rotated(self.path))
        self._file = self.path.open("ab", buffering=0)
        self._size = 0

    def _wake(self) -> None:
        self._grown.set()  # wakes all who wait now;
        self._grown = asyncio.Event()  # who comes later waits for more


def rotated(path: Path) -> Path:
    """Where the older half of a log is."""
    return path.with_name(path.name + ".1")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader asks for. `tail` is a number of lines, `since` the stamp from which on lines count, `limit` bytes."""

    tail: int | None = None
    since: bytes = b""
    timestamps: bool = False
    limit: int | None = None


class LogReader:
    """Reads one run's log, which may be written meanwhile. `read` goes on where it stopped; close it at the end."""

    def __init__(self, path: Path, wanted: Wanted) -> None:
        self._path, self._wanted = path, wanted
        self._left = wanted.limit
        self._files = ExitStack()
        self._file: BinaryIO | None = None
        self._partial = b""

    def first(self) -> Iterator[bytes]:
        """What is there now, in blocks of whole lines: to be called once, before `more`."""
        if self._wanted.tail is not None:
            yield from self._last(self._wanted.tail)
            return
        older = rotated(self._path)
        if older.exists():
            with older.open("rb") as file:
                yield from self._blocks(file)
        yield from self.more()

    def more(self) -> Iterator[bytes]:
        """What has come since, through rotations; nothing when nothing has."""
        while not self.full:
            file = self._file = self._file or self._open()
            if file is None:
                return
            yield from self._blocks(file)
            if not self._replaced(file):
                return
            yield from self._blocks(file)  # what was written between the last read and the rotation
            file.close()
            self._file = None

    @property
    def full(self) -> bool:
        """Whether as many bytes were given as were asked for."""
        return self._left is not None and self._left <= 0

    def close(self) -> None:
        """Closes the file."""
        self._files.close()

    def _open(self) -> BinaryIO | None:
        try:
            return self._files.enter_context(self._path.open("rb"))
        except FileNotFoundError:
            return None

    def _replaced(self, file: BinaryIO) -> bool:
        """Whether the log was rotated away under the open file."""
        try:
            return os.fstat(file.fileno()).st_ino != self._path.stat().st_ino
        except FileNotFoundError:
            return False

    def _last(self, count: int) -> Iterator[bytes]:
        """The last `count` lines of both files; afterwards the newer one stands at its end."""
        lines: list[bytes] = []
        older = rotated(self._path)
        self._file = self._open()
        if self._file is not None:
            lines = _tail(self._file, count)
        if len(lines) < count and older.exists():
            with older.open("rb") as file:
                lines = _tail(file, count - len(lines)) + lines
        if lines:
            yield from self._shown(lines)

    def _blocks(self, file: BinaryIO) -> Iterator[bytes]:
        while not self.full and (block := file.read(BLOCK)):
            *lines, self._partial = (self._partial + block).split(b"\n")
            yield from self._shown(lines)

    def _shown(self, lines: list[bytes]) -> Iterator[bytes]:
        cut = 0 if self._wanted.timestamps else STAMP
        text = b"".join(line[cut:] + b"\n" for line in lines if line[: STAMP - 1] >= self._wanted.since)
        if self._left is not None:
            text = text[: self._left]
            self._left -= len(text)
        if text:
            yield text


def _tail(file: BinaryIO, count: int) -> list[bytes]:
    """The last `count` whole lines of a file, read from its end; the file is left at its end."""
    position = file.seek(0, os.SEEK_END)
    data = b""
    while position > 0 and data.count(b"\n") <= count:
        step = min(BLOCK, position)
        position = file.seek(position - step)
        data = file.read(step) + data
    file.seek(0, os.SEEK_END)
    lines = data.split(b"\n")[:-1]
    return lines[-count:] if count else []


async def stream(path: Path, wanted: Wanted, writer: LogWriter | None) -> AsyncIterator[bytes]:
    """The log's text; with a writer, what it writes from now on too, until it is closed."""
    reader = LogReader(path, wanted)
    try:
        for block in reader.first():
            yield block
            await asyncio.sleep(0)  # a long log leaves the loop to others between blocks
        while writer is not None and not reader.full:
            ended = writer.closed
            for block in reader.more():
                yield block
            if ended:
                return
            await writer.grown()
    finally:
        reader.close()
