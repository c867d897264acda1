"""Which files of a folder are its source: nested .gitignore and .cygniignore rules, as git reads them.

A rule nearer to a file wins over one farther up, .cygniignore over .gitignore beside it, and a later line over an earlier one.
What is below a left-out folder cannot come back. cygni.yaml itself always goes along.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from cygni.cli.appfile import FILE_NAME
from cygni.cli.errors import Usage
from cygni.cli.git import git_root

ALWAYS_LEFT_OUT = frozenset(
    (
        ".git",
        ".hg",
        ".svn",
        ".venv",
        "node_modules",
        "__pycache__",
        ".cygni",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".DS_Store",
    )
)
"""Names that are never part of a source, in any folder. A Python environment of another name is known by its pyvenv.cfg."""

IGNORE_FILES = (".gitignore", ".cygniignore")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file or symbolic link of a source: its path with `/`, its size in bytes, whether it may be executed."""

    path: str
    size: int
    executable: bool
    link_to: str | None = None


@dataclass(frozen=True, slots=True)
class _Rules:
    """The rules of one ignore file; `base` is its folder."""

    base: Path
    spec: GitIgnoreSpec


def list_source(root: Path) -> list[Entry]:
    """The source's files in the order of their paths. Raises Usage for a link that leads out, or a name that is not UTF-8."""
    root = root.resolve()
    return sorted(_walk(root, root, _rules_above(root)), key=lambda entry: entry.path)


def _walk(root: Path, folder: Path, rules: list[_Rules]) -> Iterator[Entry]:
    rules = rules + _rules_of(folder)
    with os.scandir(folder) as scan:
        items = list(scan)
    for item in items:
        path = folder / item.name
        is_folder = item.is_dir(follow_symlinks=False)
        if _left_out(path, is_folder, rules) and path != root / FILE_NAME:
            continue
        if is_folder:
            yield from _walk(root, path, rules)
        elif (entry := _entry(root, path)) is not None:
            yield entry


def _entry(root: Path, path: Path) -> Entry | None:
    name = PurePosixPath(path.relative_to(root)).as_posix()
    try:
        name.encode()
    except UnicodeEncodeError:
        raise Usage(
            f"The file name {name!a} is not UTF-8.", remedy="Rename the file, or leave it out with .cygniignore."
        ) from None
    facts = path.lstat()
    if stat.S_ISLNK(facts.st_mode):
        return Entry(name, 0, executable=False, link_to=_target_within(root, path, name))
    if stat.S_ISREG(facts.st_mode):
        return Entry(name, facts.st_size, executable=bool(facts.st_mode & stat.S_IXUSR))
    return None  # a socket, a pipe or a device is no source


def _target_within(root: Path, path: Path, name: str) -> str:
    target = os.readlink(path)
    inside = not os.path.isabs(target) and Path(os.path.normpath(path.parent / target)).is_relative_to(root)
    try:
        inside = inside and path.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link that leads to itself: older Pythons say RuntimeError
        inside = False
    if not inside:
        raise Usage(
            f"The symbolic link {name} leads to {target}, which is outside of the folder that is deployed.",
            remedy="Put the file itself there, or leave the link out with a line in .cygniignore.",
        )
    return target


def _left_out(path: Path, is_folder: bool, rules: list[_Rules]) -> bool:
    if path.name in ALWAYS_LEFT_OUT or (is_folder and (path / "pyvenv.cfg").is_file()):
        return True
    for each in reversed(rules):
        relative = path.relative_to(each.base).as_posix() + ("/" if is_folder else "")
        verdict = _verdict(each.spec, relative)
        if verdict is not None:
            return verdict
    return False


def _verdict(spec: GitIgnoreSpec, relative: str) -> bool | None:
    """What the last rule says that names this very path; None when none does.

    A rule that only names a folder above says nothing here: that folder was asked about before.
    """
    for pattern in reversed(list(spec.patterns)):
        found = pattern.match_file(relative) if pattern.include is not None else None
        if found is not None and _names_itself(found.match, relative):
            return bool(pattern.include)
    return None


def _names_itself(match: re.Match[str], relative: str) -> bool:
    below = match.re.groupindex.get(_BELOW)
    return below is None or match.group(below) is None or match.start(below) == len(relative.rstrip("/"))


_BELOW = "ps_d"
"""The library's name for the part of a match that begins with the slash behind the folder that a rule names."""


def _rules_above(root: Path) -> list[_Rules]:
    """Rules of the folders between the repository's root and the source's folder, which git applies too."""
    top = git_root(root)
    between = [each for each in reversed(root.parents) if each.is_relative_to(top)] if top else []
    return [rules for folder in between for rules in _rules_of(folder)]


def _rules_of(folder: Path) -> list[_Rules]:
    found = []
    for name in IGNORE_FILES:
        file = folder / name
        if file.is_file():
            lines = file.read_text("utf-8", errors="replace").splitlines()
            found.append(_Rules(folder, GitIgnoreSpec.from_lines(lines)))
    return found
