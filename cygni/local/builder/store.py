"""The builder's side of the image store and of its caches: digests, and folders that appear whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

_BYTECODE = "__pycache__"
"""Left out of digests: an interpreter may write it at any time, and not twice alike."""


def listing_digest(folder: Path, *, without: Iterable[str] = ()) -> str:
    """Hex SHA-256 over a folder's canonical listing: each path with its mode and the digest of its bytes, sorted.

    `without` names top-level entries that do not count.
    """
    total = hashlib.sha256()
    for path, entry in sorted(_walk(folder, frozenset(without))):
        facts = entry.stat(follow_symlinks=False)
        if stat.S_ISLNK(facts.st_mode):
            line = f"link {path}\0{os.readlink(entry.path)}"
        elif stat.S_ISDIR(facts.st_mode):
            line = f"folder {path}"
        else:
            line = f"file {path}\0{stat.S_IMODE(facts.st_mode) & 0o111:o}\0{file_digest(Path(entry.path))}"
        total.update(line.encode("utf-8", "surrogateescape") + b"\n")
    return total.hexdigest()


def _walk(folder: Path, without: frozenset[str], prefix: str = "") -> Iterator[tuple[str, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name == _BYTECODE or (not prefix and entry.name in without):
                continue
            path = prefix + entry.name
            yield path, entry
            if entry.is_dir(follow_symlinks=False):
                yield from _walk(Path(entry.path), without, path + "/")


def file_digest(path: Path) -> str:
    """Hex SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def text_digest(*parts: str) -> str:
    """Hex SHA-256 of several texts, each kept apart from the next."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def temporary_sibling(folder: Path) -> Path:
    """A new, empty folder beside `folder`, to be renamed to it once it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = folder.parent / f".{folder.name}-{uuid4().hex}"
    temporary.mkdir()
    return temporary


def settle(temporary: Path, folder: Path) -> None:
    """Renames a whole folder to its place. If another build was first with the same content, that one stays."""
    try:
        temporary.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        shutil.rmtree(temporary)


def link_tree(source: Path, target: Path) -> None:
    """Puts the files of one folder into another by hard link where the disk allows it: quick, and no second copy."""
    shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


class Memory:
    """Remembers which digest a source and a plan gave, so that the same again is not built again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def recall(self, key: str) -> str | None:
        """The digest that was remembered under a key."""
        try:
            return (self._folder / key).read_text().strip() or None
        except FileNotFoundError:
            return None

    def remember(self, key: str, digest: str) -> None:
        """Keeps a digest; written aside and renamed, so that a reader never sees half of one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        aside = self._folder / f".{uuid4().hex}"
        aside.write_text(digest)
        aside.rename(self._folder / key)


def image_folder(images: Path, digest: str) -> Path:
    """Where the image of a digest (`sha256:…`) is."""
    return images / digest.replace(":", "-", 1)


def is_complete(image: Path) -> bool:
    """Whether an image can be run."""
    return (image / "image.json").is_file()


def write_manifest(image: Path, manifest: Mapping[str, Any], contents: Mapping[str, str]) -> str:
    """Writes `image.json` with the image's digest, over the manifest and the digests of what is in it; returns the digest."""
    digest = "sha256:" + text_digest(
        json.dumps(manifest, sort_keys=True), *(f"{name} {contents[name]}" for name in sorted(contents))
    )
    (image / "image.json").write_text(json.dumps({"digest": digest, **manifest}, indent=2) + "\n")
    return digest
