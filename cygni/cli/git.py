"""What git knows of a folder: enough to say which commit a deployment is of. A folder without git is no error."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Commit:
    """The commit that is checked out. `dirty`: files in the folder differ from it."""

    sha: str
    subject: str
    dirty: bool


def read_commit(folder: Path) -> Commit | None:
    """The commit checked out in the folder; None without git, without a repository or without a commit."""
    shown = _git(folder, "log", "-1", "--format=%H%n%s")
    if not shown:
        return None
    sha, _, subject = shown.partition("\n")
    changes = _git(folder, "status", "--porcelain", "--", ".")
    return Commit(sha.strip(), subject.strip(), dirty=bool(changes))


def git_root(folder: Path) -> Path | None:
    """The nearest folder, from this one upwards, that is the top of a repository."""
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), None)


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(  # noqa: S603 - fixed arguments, no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            capture_output=True,
            text=True,
            errors="replace",
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
