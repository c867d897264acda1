"""Reads an uploaded source, a tar.gz from a stranger, without trusting a word of it.

1. Nothing is ever written outside of the folder that was named, and nothing that is there is written over.
2. What is counted is the bytes that come out, not the sizes that headers promise; one pass, in bounded memory.
3. A source is taken whole or refused whole. The refusal names the entry, the reason, and what to do.

`entries` decides which entries are let in. Symbolic links are made after the last file is written and all links are
judged, so that no write can follow one.
"""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import IO, Protocol, cast

from chalicelib.builds.entries import AGAIN, SMALLER, Admission, Entry, EntryKind, Limits, readable
from chalicelib.builds.listing import MARKER_BYTES, Listing, is_marker
from chalicelib.platform.errors import SourceRefused

__all__ = ["DEFAULT_LIMITS", "Limits", "Readable", "extract_source", "list_source"]

DEFAULT_LIMITS = Limits()

_HEADER_BYTES = 256 * 1024
"""Most bytes of headers one entry may have; a longer one is an attempt to fill the memory."""

_RATIO_FLOOR = 16 * 1024 * 1024


class Readable(Protocol):
    """What an archive is read from: a file, or the body of a download."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; none at the end."""


def list_source(archive: Readable, limits: Limits = DEFAULT_LIMITS) -> Listing:
    """The paths in an archive, and the text of its marker files. Raises SourceRefused."""
    listing: dict[str, str | None] = {}
    with _refusing(_Packed(archive)) as packed:
        for entry, content in _entries(packed, limits):
            if entry.kind is EntryKind.FILE and is_marker(entry.path) and entry.size <= MARKER_BYTES:
                listing[entry.path] = _text(content.read())
            elif entry.kind is EntryKind.COPY:
                listing[entry.path] = listing[entry.target]
            elif entry.kind is not EntryKind.FOLDER:
                listing[entry.path] = None
    return MappingProxyType(listing)


def extract_source(archive: Readable, folder: Path, limits: Limits = DEFAULT_LIMITS) -> None:
    """Unpacks an archive into a folder, made if absent. Raises SourceRefused; then the folder holds a part: remove it."""
    folder.mkdir(parents=True, exist_ok=True)
    links: list[Entry] = []
    with _refusing(_Packed(archive)) as packed:
        for entry, content in _entries(packed, limits):
            if entry.kind is EntryKind.LINK:
                links.append(entry)
            else:
                _place(folder, entry, content)
    for link in links:
        (folder / link.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / link.path).symlink_to(link.target)


def _place(folder: Path, entry: Entry, content: IO[bytes]) -> None:
    path = folder / entry.path
    (path if entry.kind is EntryKind.FOLDER else path.parent).mkdir(parents=True, exist_ok=True)
    if entry.kind is EntryKind.FILE:
        _write(path, content, executable=entry.executable)
    elif entry.kind is EntryKind.COPY:
        with (folder / entry.target).open("rb") as original:
            _write(path, original, executable=entry.executable)


def _write(path: Path, content: IO[bytes], *, executable: bool) -> None:
    with path.open("xb") as file:
        shutil.copyfileobj(content, file)
        os.fchmod(file.fileno(), 0o755 if executable else 0o644)


def _text(data: bytes) -> str:
    """Marker files are UTF-8; what a Windows shell redirects to a file is UTF-16 with a mark."""
    encoding = "utf-16" if data[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
    return data.decode(encoding, errors="replace")


@contextmanager
def _refusing(packed: _Packed) -> Iterator[_Packed]:
    """What the libraries raise on a bad archive, while its headers or while its contents are read, is a SourceRefused."""
    try:
        yield packed
    except (tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, ValueError, OverflowError) as error:
        raise SourceRefused(f"The archive cannot be read: {_reason(error, packed)}.", remedy=AGAIN) from error


def _entries(packed: _Packed, limits: Limits) -> Iterator[tuple[Entry, IO[bytes]]]:
    """Each entry that passes, with its content, which must be read before the next; the whole is judged before the end."""
    admission = Admission(limits)
    with gzip.GzipFile(fileobj=cast(IO[bytes], packed), mode="rb") as unzipped:
        stream = _Metered(unzipped, packed, limits)
        with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", tarinfo=_StrictInfo, bufsize=64 * 1024) as tar:
            for member in tar:
                entry = admission.admit(member)
                stream.allow(member.size, member.name)
                if entry is not None:
                    yield entry, cast(IO[bytes], tar.extractfile(member) if entry.kind is EntryKind.FILE else None)
                tar.members.clear()  # type: ignore[attr-defined] # kept for going back, which a stream never does
        stream.drain()
    admission.finish()


def _reason(error: Exception, packed: _Packed) -> str:
    if packed.count == 0:
        return "it is empty"
    if isinstance(error, gzip.BadGzipFile):
        return "it is not gzip, or it was changed on its way"
    if isinstance(error, EOFError) or "unexpected end" in str(error):
        return "it ends in the middle, as if the upload was cut off"
    return f"it is no tar inside gzip, or it is damaged ({error})"


class _StrictInfo(tarfile.TarInfo):
    """A damaged header ends the reading with an error, where tarfile would quietly take it for the end of the archive."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _StrictInfo:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if any(buf):
                raise SourceRefused(f"The archive has a damaged entry ({error}).", remedy=AGAIN) from error
            raise


class _Packed:
    """Counts the bytes that come in."""

    def __init__(self, archive: Readable) -> None:
        self._archive = archive
        self.count = 0

    def read(self, size: int = -1) -> bytes:
        data = self._archive.read(size)
        self.count += len(data)
        return data


class _Metered:
    """Counts the bytes that come out of the decompression, and refuses when they are too many."""

    def __init__(self, unzipped: gzip.GzipFile, packed: _Packed, limits: Limits) -> None:
        self._unzipped, self._packed, self._limits = unzipped, packed, limits
        self._most = limits.total + limits.entries * 1536 + _HEADER_BYTES
        self._count = 0
        self._allowed = _HEADER_BYTES
        self._path = "the beginning"

    def allow(self, size: int, path: str) -> None:
        """An entry of this size begins: its bytes may come, and then another header."""
        self._allowed = self._count + size + _HEADER_BYTES
        self._path = path

    def read(self, size: int = -1) -> bytes:
        data = self._unzipped.read(size)
        self._count += len(data)
        if self._count > _RATIO_FLOOR and self._count > self._limits.ratio * self._packed.count:
            times = f"more than {self._limits.ratio} times its size"
            raise SourceRefused(f"The archive unpacks to {times}, as archive bombs do (at {self._path!r}).", remedy=SMALLER)
        if self._count > self._most:
            raise SourceRefused(f"The source unpacks to more than {readable(self._limits.total)}.", remedy=SMALLER)
        if self._count > self._allowed:
            raise SourceRefused(f"The archive has an oversized header or tail after {self._path!r}.", remedy=AGAIN)
        return data

    def drain(self) -> None:
        """Reads what follows the last entry, so that an archive that was cut off or altered fails its checksum."""
        while self.read(64 * 1024):
            pass
