"""Finds and ends all processes of a container, wherever they went: by its session, and by the mark in their environment.

The journal holds a small file for each container that may have processes, written before it starts, so that whoever comes
after a node that was killed (its warden, or the next node) knows what to end.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

MARK = "CYGNI_CONTAINER"
"""The variable that every process of a container inherits; its value is the container's id."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A container that may have processes: its id, and once known its first process with its start time (Unix seconds)."""

    container: str
    pid: int = 0
    started: float = 0.0


class Journal:
    """The entries of one node, as files of a directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def write(self, entry: Entry) -> None:
        """Remembers an entry, in place of an earlier one of the same container."""
        path = self.directory / f"{entry.container}.json"
        part = path.with_suffix(".part")
        part.write_text(json.dumps(asdict(entry)), encoding="utf-8")
        part.replace(path)

    def forget(self, container: str) -> None:
        """The container has no process any more."""
        (self.directory / f"{container}.json").unlink(missing_ok=True)

    def entries(self) -> list[Entry]:
        """All that is remembered. A file that was cut short names its container at least."""
        found = []
        for path in self.directory.glob("*.json"):
            with contextlib.suppress(OSError):
                try:
                    found.append(Entry(**json.loads(path.read_text(encoding="utf-8"))))
                except (ValueError, TypeError):
                    found.append(Entry(path.stem))
        return found

    def sweep(self) -> int:
        """Kills every process of every remembered container, and forgets them. Returns how many were killed."""
        entries = self.entries()
        killed = kill(entries)
        for entry in entries:
            self.forget(entry.container)
        return killed


def started_at(pid: int) -> float:
    """When a process began, in Unix seconds; 0 when it is already gone."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0


def kill(entries: Iterable[Entry], seconds: float = 5.0) -> int:
    """Kills all processes of these containers; looks again until none is left (or time is up). Returns how many it killed."""
    wanted = list(entries)
    ends, killed = time.monotonic() + seconds, 0
    while found := _members(wanted):
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
                killed += 1
        if time.monotonic() > ends:
            break
        time.sleep(0.01)  # for the kernel to take them down, before another look
    return killed


def _members(entries: list[Entry]) -> list[psutil.Process]:
    if not entries:
        return []
    marks = {entry.container for entry in entries}
    sessions = {entry.pid: entry for entry in entries if entry.pid and _still_its_own(entry)}
    me = os.getpid()
    return [process for process in psutil.process_iter() if process.pid != me and _belongs(process, sessions, marks)]


def _still_its_own(entry: Entry) -> bool:
    """Whether the pid is not a stranger's by now. (A dead leader's pid is not given away while its session lives.)"""
    return entry.started == 0 or abs((started_at(entry.pid) or entry.started) - entry.started) < 1.0


def _belongs(process: psutil.Process, sessions: dict[int, Entry], marks: set[str]) -> bool:
    try:
        ours = os.getsid(process.pid) in sessions or process.environ().get(MARK) in marks
        return ours and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):  # gone meanwhile, or another user's, which no container of ours is
        return False
