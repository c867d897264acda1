"""A working tree as an archive: the same files give the same bytes, wherever and whenever it is made."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cygni.cli.api import ListedFile
from cygni.cli.errors import Usage
from cygni.cli.ignore import Entry

MARKERS = frozenset(
    (
        ".node-version",
        ".nvmrc",
        ".python-version",
        "Dockerfile",
        "Procfile",
        "app.py",
        "asgi.py",
        "cygni.yaml",
        "go.mod",
        "main.py",
        "manage.py",
        "package.json",
        "pyproject.toml",
        "requirements.txt",
        "runtime.txt",
        "server.py",
        "streamlit_app.py",
        "wsgi.py",
    )
)
"""Names of the small files that decide how an app is built: their text goes with a listing."""

MARKER_CHARACTERS = 65_536
_CHUNK = 256 * 1024
_IN_MEMORY = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Archive:
    """A packed source: `size` in bytes, `sha256` in hex. Close it after use."""

    file: IO[bytes]
    sha256: str
    size: int

    def chunks(self, sent: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
        """The bytes from the start; `sent` is told how many have been handed out so far."""
        self.file.seek(0)
        done = 0
        sent(done)
        while chunk := self.file.read(_CHUNK):
            yield chunk
            done += len(chunk)
            sent(done)

    def close(self) -> None:
        """Give up the archive."""
        self.file.close()


def pack_source(root: Path, entries: Sequence[Entry]) -> Archive:
    """A tar.gz of these entries. Of times, owners and modes only "executable" is kept, so the bytes depend on content alone."""
    spool: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 - handed to the caller
    try:
        with (
            gzip.GzipFile(filename="", mode="wb", fileobj=spool, compresslevel=6, mtime=0) as zipped,
            tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as tar,
        ):
            for entry in entries:
                _add(tar, root, entry)
        return Archive(spool, _sha256(spool), spool.tell())
    except BaseException:  # nobody else will close it
        spool.close()
        raise


def _sha256(file: IO[bytes]) -> str:
    """The digest of a whole file, which is then at its end."""
    file.seek(0)
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _add(tar: tarfile.TarFile, root: Path, entry: Entry) -> None:
    info = tarfile.TarInfo(entry.path)
    info.mode = 0o755 if entry.executable else 0o644
    if entry.link_to is not None:
        info.type, info.linkname = tarfile.SYMTYPE, entry.link_to
        tar.addfile(info)
        return
    try:
        with (root / entry.path).open("rb") as file:
            info.size = entry.size
            tar.addfile(info, file)
    except OSError as error:  # tarfile's "unexpected end of data" is one too: the file shrank meanwhile
        reason = error.strerror or str(error)
        raise Usage(
            f"{entry.path} cannot be packed: {reason}.",
            remedy="Make it readable and leave it unchanged, or leave it out with .cygniignore.",
        ) from None


def listing(root: Path, entries: Sequence[Entry]) -> list[ListedFile]:
    """The paths of a source, with the text of its small marker files: what a plan is made from."""
    return [_listed(root, entry) for entry in entries]


def _listed(root: Path, entry: Entry) -> ListedFile:
    if entry.link_to is None and entry.path.rpartition("/")[2] in MARKERS and entry.size <= MARKER_CHARACTERS:
        return ListedFile(path=entry.path, text=(root / entry.path).read_text("utf-8-sig", errors="replace"))
    return ListedFile(path=entry.path)


def largest(entries: Sequence[Entry], count: int = 5) -> list[Entry]:
    """The largest files, largest first: what to look at when an archive is too large."""
    return sorted(entries, key=lambda entry: (-entry.size, entry.path))[:count]


def human_size(size: float) -> str:
    """Bytes for people: 812 B, 4.2 kB, 17 MB."""
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if size >= 10 or unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
