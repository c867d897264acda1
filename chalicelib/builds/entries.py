"""Which entries of a stranger's archive are let in. Pure: names and numbers in, an entry or a SourceRefused out.

Symbolic links are kept when they stay inside and do not lead through one another. A hard link is a copy of the file it
names, and is counted as one. Devices, pipes and sparse files are refused. Of the mode bits only "executable" is kept.
"""

from __future__ import annotations

import tarfile
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from posixpath import dirname

from chalicelib.platform.errors import SourceRefused

IGNORE = "Leave it out with .cygniignore and deploy again."
SMALLER = "Leave out what the build does not need (dependencies, data, build output) with .cygniignore and deploy again."
AGAIN = "Make the archive again with `tar -czf` (or `cygni deploy`) and upload it anew."


@dataclass(frozen=True, slots=True)
class Limits:
    """What a source may be at most. Sizes are bytes, unpacked. `ratio` is unpacked to packed, judged after 16 MiB."""

    entries: int = 20_000
    total: int = 512 * 1024 * 1024
    file: int = 128 * 1024 * 1024
    ratio: int = 200
    path: int = 512


class EntryKind(StrEnum):
    """What an entry is, in the words of a refusal."""

    FILE = "file"
    FOLDER = "folder"
    COPY = "hard link"
    LINK = "symbolic link"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that was let in. `target` is the path a copy is made from, or what a link says. `size` is bytes."""

    path: str
    kind: EntryKind
    size: int = 0
    executable: bool = False
    target: str = ""


class Admission:
    """Judges the entries of one archive, in their order, by what came before."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._entries: dict[str, Entry] = {}
        self._count = 0
        self._bytes = 0

    def admit(self, member: tarfile.TarInfo) -> Entry | None:
        """The entry if it passes; None for the source's own folder (`.`). Raises SourceRefused."""
        self._count += 1
        if self._count > self._limits.entries:
            raise SourceRefused(f"The source has more than {self._limits.entries:,} files and folders.", remedy=SMALLER)
        path = safe_path(member.name, self._limits)
        if not path and member.isdir():
            return None
        entry = self._entry(member, path)
        self._place(entry)
        self._bytes += entry.size
        if entry.size > self._limits.file:
            raise SourceRefused(
                f"{path} has {readable(entry.size)}; one file may have {readable(self._limits.file)}.", remedy=SMALLER
            )
        if self._bytes > self._limits.total:
            raise SourceRefused(f"The source unpacks to more than {readable(self._limits.total)} (at {path}).", remedy=SMALLER)
        return entry

    def finish(self) -> None:
        """The checks that need the whole: where links lead, and that there is anything at all. Raises SourceRefused."""
        for entry in self._entries.values():
            if entry.kind is EntryKind.LINK:
                self._follow(entry)
        if all(entry.kind is EntryKind.FOLDER for entry in self._entries.values()):
            remedy = "Check .gitignore and .cygniignore, and deploy from the app's own folder."
            raise SourceRefused("The archive holds no files.", remedy=remedy)

    def _entry(self, member: tarfile.TarInfo, path: str) -> Entry:
        if not path:
            raise SourceRefused("The archive has an entry without a name.", remedy=AGAIN)
        if member.issparse():
            raise SourceRefused(f"{path} is a sparse file.", remedy=IGNORE)
        if member.isdir():
            return Entry(path, EntryKind.FOLDER)
        if member.issym():
            return Entry(path, EntryKind.LINK, target=member.linkname)
        if member.islnk():
            original = self._entries.get(safe_path(member.linkname, self._limits))
            if original is None or original.kind not in {EntryKind.FILE, EntryKind.COPY}:
                raise SourceRefused(f"{path} is a hard link to {member.linkname!r}, which is no file before it.", remedy=IGNORE)
            return Entry(path, EntryKind.COPY, original.size, original.executable, original.path)
        if member.isreg():
            return Entry(path, EntryKind.FILE, member.size, bool(member.mode & 0o111))
        raise SourceRefused(f"{path} is neither a file, a folder nor a link, but a {_oddity(member)}.", remedy=IGNORE)

    def _place(self, entry: Entry) -> None:
        """Takes the path, with folders for its parents: nothing may come twice, nor under what is no folder."""
        before = self._entries.get(entry.path)
        if before is not None and not (before.kind is EntryKind.FOLDER and entry.kind is EntryKind.FOLDER):
            raise SourceRefused(f"{entry.path} is in the archive twice.", remedy=AGAIN)
        parent = dirname(entry.path)
        while parent:
            above = self._entries.setdefault(parent, Entry(parent, EntryKind.FOLDER))
            if above.kind is not EntryKind.FOLDER:
                raise SourceRefused(f"{entry.path} is under {parent}, which is a {above.kind} and no folder.", remedy=IGNORE)
            parent = dirname(parent)
        self._entries[entry.path] = entry

    def _follow(self, link: Entry) -> None:
        """Refuses a link that leads out, by itself or through another link."""
        if not link.target or link.target.startswith("/") or _unprintable(link.target):
            raise SourceRefused(f"{link.path} is a symbolic link to {link.target!r}, outside of the source.", remedy=IGNORE)
        here = [part for part in dirname(link.path).split("/") if part]
        parts = link.target.split("/")
        for number, part in enumerate(parts, start=1):
            if part == ".." and not here:
                raise SourceRefused(f"{link.path} is a symbolic link to {link.target}, outside of the source.", remedy=IGNORE)
            if part == "..":
                here.pop()
            elif part not in {"", "."}:
                here.append(part)
            through = self._entries.get("/".join(here))
            if number < len(parts) and through is not None and through.kind is EntryKind.LINK:
                raise SourceRefused(f"{link.path} is a symbolic link through another one, {through.path}.", remedy=IGNORE)


def safe_path(name: str, limits: Limits) -> str:
    """A name as a relative path without `.` parts; empty for the source's own folder. Raises SourceRefused."""
    if _unprintable(name):
        raise SourceRefused(f"The name {name!r} holds control characters or is not UTF-8.", remedy=IGNORE)
    if name.startswith("/"):
        raise SourceRefused(f"{name} is an absolute path; all of a source is relative to its folder.", remedy=AGAIN)
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise SourceRefused(f"{name} leads out of the source's folder.", remedy=AGAIN)
    path = "/".join(parts)
    if len(path.encode()) > limits.path or any(len(part.encode()) > 255 for part in parts):
        raise SourceRefused(
            f"The path {path[:80]}… is longer than {limits.path} bytes, or a name in it than 255.", remedy=IGNORE
        )
    return path


def readable(count: int) -> str:
    """A number of bytes as people say it: `120 MiB`."""
    for unit, size in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= size:
            return f"{count / size:,.0f} {unit}"
    return f"{count} bytes"


def _unprintable(name: str) -> bool:
    return any(unicodedata.category(character) in {"Cc", "Cs"} for character in name)


def _oddity(member: tarfile.TarInfo) -> str:
    if member.isfifo():
        return "pipe"
    return "device" if member.isdev() else f"thing of type {member.type!r}"
