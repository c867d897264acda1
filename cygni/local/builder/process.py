"""Runs the commands of a build: each in a process group of its own, its output line by line, killed whole when it must be."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from chalicelib.platform.errors import BuildFailed

Log = Callable[[str], None]

_TICK = 0.05
"""Seconds between looks at the clock and at `cancelled`."""

_GRACE = 2.0
"""Seconds between asking a group to stop and killing it."""

_LAST_LINES = 20
_LINE_LENGTH = 4000


@dataclass(slots=True)
class Runner:
    """Runs commands one after another until `deadline` (of `time.monotonic`), or until `cancelled` is set.

    `timeout` is the whole build's seconds, for the message. `log` gets each line that a command says.
    """

    log: Log
    cancelled: threading.Event
    deadline: float
    timeout: int
    _last: deque[str] = field(default_factory=lambda: deque(maxlen=_LAST_LINES), init=False)

    def check(self) -> None:
        """Raises BuildFailed when the build was cancelled or its time is over."""
        if self.cancelled.is_set():
            raise BuildFailed("The build was cancelled.", remedy="Deploy again when you are ready.")
        if time.monotonic() > self.deadline:
            raise BuildFailed(
                f"The build took longer than its {self.timeout} seconds.{self._said()}",
                remedy="The build log shows what it was doing; fewer dependencies, or a lock file, make it quicker.",
            )

    def run(self, command: str, folder: Path, environment: Mapping[str, str]) -> None:
        """Runs one shell command in a folder. Raises BuildFailed, with its last lines, if it fails, or must be killed."""
        self.check()
        self.log(f"$ {command}")
        self._last.clear()
        process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - it was asked for two lines above
        reader = threading.Thread(target=self._read, args=(process.stdout,), daemon=True)
        reader.start()
        try:
            code = self._wait(process)
        finally:
            _kill_group(process)
            reader.join(_GRACE)
        if code != 0:
            how = f"ended with exit code {code}" if code > 0 else f"was killed by {signal.Signals(-code).name}"
            raise BuildFailed(f"`{command}` {how}.{self._said()}")

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(_TICK)
            self.check()

    def _read(self, output: IO[bytes]) -> None:
        with io.TextIOWrapper(output, encoding="utf-8", errors="replace", newline=None) as text:
            while line := text.readline(_LINE_LENGTH):
                self._last.append(line.rstrip())
                self.log(line.rstrip())

    def _said(self) -> str:
        return "".join(f"\n{line}" for line in self._last)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Ends the command and all that it started, politely first. A command that is over may have left children behind."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE)
    process.wait()
