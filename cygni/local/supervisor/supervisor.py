"""Starts the children in order, watches them, starts again one that ended, stops all in the opposite order."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from cygni.local.supervisor.child import Child, NotStarted

READY_SECONDS = 120.0
STOP_SECONDS = 20.0
"""Neither is waited for in vain: a child that ends instead, or that has ended, is seen at once."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 15.0
STEADY_SECONDS = 60.0
"""A child that ran so long begins again with the first pause."""

Say = Callable[[str], None]


class AlreadyRunning(Exception):
    """Another supervisor has this state folder; the message names its process."""


@dataclass(slots=True)
class Lock:
    """Held for as long as the process lives; the file names the process."""

    path: Path
    _file: IO[str] | None = field(default=None)

    def take(self) -> None:
        """Raises AlreadyRunning when another process holds it."""
        file = self.path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = holder_of(self.path)
            file.close()
            raise AlreadyRunning(f"The embedded cloud runs already, as process {holder}.") from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid()}))
        file.flush()
        self._file = file

    def release(self) -> None:
        """Lets another take it. The end of the process, however it comes, does the same."""
        if self._file is not None:
            self._file.close()
            self._file = None


def holder_of(path: Path) -> int | None:
    """The process that holds a lock; None when nobody does."""
    try:
        with path.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(json.loads(file.read() or "{}").get("pid", 0)) or None
    except FileNotFoundError:
        return None
    return None


@dataclass(slots=True)
class Supervisor:
    """Runs the children until told to stop."""

    children: Sequence[Child]
    say: Say
    _pauses: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Starts all; when one does not start, stops those that did and raises NotStarted.

        Each waits for those before it, but for the early ones: they start at once, and are waited for at their place.
        """
        for child in self.children:
            if child.early:
                child.launch()
        for child in self.children:
            try:
                if child.early:
                    child.await_ready(READY_SECONDS)
                else:
                    child.start(READY_SECONDS)
            except NotStarted:
                self.stop()
                raise

    def watch(self, stop: threading.Event) -> None:
        """Returns once `stop` is set. A child that ends is started again, after a pause that doubles while it keeps ending."""
        while not stop.wait(0.2):
            for child in self.children:
                if not child.running():
                    self._revive(child, stop)

    def stop(self) -> None:
        """Stops all, the last started first; each may take the time that is left."""
        deadline = time.monotonic() + STOP_SECONDS
        for child in reversed(self.children):
            child.end()
            child.stop(deadline - time.monotonic())

    def _revive(self, child: Child, stop: threading.Event) -> None:
        steady = time.monotonic() - child.started_at > STEADY_SECONDS
        pause = FIRST_PAUSE if steady else self._pauses.get(child.name, FIRST_PAUSE)
        self._pauses[child.name] = min(pause * 2, LONGEST_PAUSE)
        self.say(f"The {child.name} ended; it is started again in {pause:g} s. Its log: {child.log}")
        child.stop(0)
        if stop.wait(pause):
            return
        try:
            child.start(READY_SECONDS)
            self.say(f"The {child.name} is back.")
        except NotStarted as error:
            self.say(str(error))
