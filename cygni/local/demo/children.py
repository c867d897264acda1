"""The processes the demo starts: the embedded cloud and the `cygni` command; and that none of them outlives it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

FREE_PORTS = ("--api-port", "0", "--apps-port", "0")
"""So that the demo runs beside a cloud that is kept running."""
STOP_SECONDS = 30.0
"""How long the cloud has to stop by itself before it is killed: longer than its parts have for it."""


class CloudFailed(Exception):
    """The embedded cloud did not start, or ended by itself; the message says how."""


class CommandFailed(Exception):
    """A `cygni` command ended otherwise than it should; the message holds what it said."""


@dataclass
class Cloud:
    """The embedded cloud in a folder of its own: `state` for its data, `config` for the file that the command reads."""

    home: Path
    _process: subprocess.Popen[bytes] | None = field(default=None)

    @property
    def state(self) -> Path:
        """Where it keeps its data and its logs."""
        return self.home / "state"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.home / "up.log"

    @property
    def environ(self) -> dict[str, str]:
        """Variables for all that belongs to this cloud: its own config folder, and nobody else's control plane."""
        foreign = {"CYGNI_ENDPOINT", "CYGNI_TOKEN", "KUBECONFIG"}
        kept = {name: value for name, value in os.environ.items() if name not in foreign}
        return {**kept, "XDG_CONFIG_HOME": str(self.home / "config"), "PYTHONUNBUFFERED": "1"}

    def start(self, arguments: tuple[str, ...] = ()) -> None:
        """Start it, in a process group of its own so that Ctrl-C in a terminal reaches only the demo."""
        command = [sys.executable, "-m", "cygni.local", "up", "--state", str(self.state), *FREE_PORTS, *arguments]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environ,
                start_new_session=True,
            )

    def wait_ready(self, seconds: float) -> None:
        """Return once the command can speak to it. Raises CloudFailed when it ends or is not ready in time."""
        deadline = time.monotonic() + seconds
        written = self.home / "config" / "cygni" / "config.toml"
        while time.monotonic() < deadline:
            self.check()
            if written.exists() and run_cygni(["whoami"], self.environ, self.home).returncode == 0:
                return
            time.sleep(0.1)
        raise CloudFailed(f"The embedded cloud was not ready within {seconds:.0f} s.")

    def check(self) -> None:
        """Raises CloudFailed if it has ended."""
        if self._process is not None and self._process.poll() is not None:
            raise CloudFailed(f"The embedded cloud ended by itself with exit code {self._process.returncode}.")

    def stop(self) -> None:
        """Stop it and all it started; what does not stop in time is killed."""
        if self._process is None:
            return
        started = descendants(self._process.pid)
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            kill([*started, *descendants(self._process.pid)])
            self._process.kill()
            self._process.wait()
        kill(started)
        await_end(started)


def run_cygni(arguments: list[str], environ: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `cygni … --json` to its end."""
    command = [sys.executable, "-m", "cygni.cli", *arguments, "--json"]
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=dict(environ),
        cwd=folder,
        check=False,
        start_new_session=True,
    )


def cygni_document(arguments: list[str], environ: Mapping[str, str], folder: Path) -> Any:
    """The document that a `cygni` command prints. Raises CommandFailed."""
    done = run_cygni(arguments, environ, folder)
    if done.returncode != 0:
        raise CommandFailed(f"cygni {' '.join(arguments)} ended with exit code {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)


def cygni_stream(arguments: list[str], environ: Mapping[str, str], folder: Path) -> Iterator[Any]:
    """The items that a streaming `cygni` command prints, as they come. It is stopped when the caller stops reading."""
    command = [sys.executable, "-m", "cygni.cli", *arguments, "--json"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=dict(environ),
        cwd=folder,
        start_new_session=True,
    )
    try:
        if process.stdout is None:
            raise AssertionError("a pipe was asked for")
        for line in process.stdout:
            yield json.loads(line)
    finally:
        process.terminate()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def descendants(pid: int) -> list[psutil.Process]:
    """Every process that a process has started, directly or not; none if it is gone."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def kill(processes: list[psutil.Process]) -> None:
    """Kill those that still run; psutil knows a reused id from the process that had it."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def runs(process: psutil.Process) -> bool:
    """Whether it does: one that ended and that nobody has waited for does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def await_end(processes: list[psutil.Process], seconds: float = 5.0) -> None:
    """Waits until none of those that were killed runs any more, which takes the system a moment; or no longer than so."""
    deadline = time.monotonic() + seconds
    while any(runs(each) for each in processes) and time.monotonic() < deadline:
        time.sleep(0.01)


def kill_everything() -> None:
    """Kill all that this process has started, and what those start meanwhile."""
    while alive := [each for each in descendants(os.getpid()) if each.status() != psutil.STATUS_ZOMBIE]:
        kill(alive)
        psutil.wait_procs(alive, timeout=5)


class Interrupts:
    """SIGINT and SIGTERM raise KeyboardInterrupt once; another, or one while all is being stopped, kills all and ends."""

    def __init__(self) -> None:
        self._stopping = False
        signal.signal(signal.SIGINT, self._handle)
        signal.signal(signal.SIGTERM, self._handle)

    def stopping(self) -> None:
        """From now on no KeyboardInterrupt may break the stopping off half-way."""
        self._stopping = True

    def _handle(self, number: int, _: object) -> None:
        if self._stopping:
            kill_everything()
            os._exit(128 + number)
        self._stopping = True
        raise KeyboardInterrupt
