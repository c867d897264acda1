"""One process of the embedded cloud: started on a leash, ready when it prints a line of JSON, stopped with its group."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

LAST_LINES = 15


class NotStarted(Exception):
    """A process ended, or said nothing in time; the message has the last lines of its log."""


@dataclass(slots=True)
class Child:
    """A module run as a process; `log` gets what it writes to stderr.

    An `early` one needs none of the others, and is started beside the first of them.
    """

    name: str
    module: str
    arguments: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    early: bool = False
    process: subprocess.Popen[bytes] | None = field(default=None)
    started_at: float = field(default=0.0)

    def start(self, seconds: float) -> dict[str, Any]:
        """Starts it and waits until it is ready; the JSON it printed. Raises NotStarted."""
        self.launch()
        return self.await_ready(seconds)

    def launch(self) -> None:
        """Starts it, without waiting."""
        command = [sys.executable, "-m", "cygni.local.supervisor.leash", self.module, *self.arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=dict(self.environ),
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    def await_ready(self, seconds: float) -> dict[str, Any]:
        """Waits until it is ready; the JSON it printed. Raises NotStarted."""
        begun = time.monotonic()
        line = self._first_line(seconds)
        try:
            told: dict[str, Any] = json.loads(line)
        except ValueError:
            what = f"was not ready within {seconds:.0f} s" if time.monotonic() - begun >= seconds else "ended"
            self.stop()
            raise NotStarted(f"The {self.name} {what}.\n{self.last_lines()}") from None
        return told

    def running(self) -> bool:
        """Whether it runs."""
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Asks it to stop, without waiting."""
        if self.running() and self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()

    def stop(self, seconds: float = 8.0) -> None:
        """Stops it in order, and by force what is left of its group after `seconds`."""
        if self.process is None:
            return
        self.end()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, seconds))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(2)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def last_lines(self) -> str:
        """The end of its log."""
        try:
            with self.log.open(errors="replace") as file:
                return "".join(deque(file, LAST_LINES)).rstrip()
        except FileNotFoundError:
            return ""

    def _first_line(self, seconds: float) -> bytes:
        if self.process is None or self.process.stdout is None:
            return b""
        deadline, line = time.monotonic() + seconds, b""
        stream = self.process.stdout.fileno()
        while not line.endswith(b"\n") and time.monotonic() < deadline:
            readable, _, _ = select.select([stream], [], [], 0.1)
            if readable:
                piece = os.read(stream, 4096)
                if not piece:
                    break
                line += piece
        return line
