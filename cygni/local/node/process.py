"""Starts a container's process and tells when it ends. To be used from the event loop of the node's main thread.

The main thread matters: on Linux a process is killed when the *thread* that started it ends, which is how no container
outlives a node that is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")
OPEN_FILES = 65_536
CHUNK = 65_536


class CannotStart(Exception):
    """The command cannot be executed; the message says why."""


class Process:
    """A process with a session of its own. `ended` is done with its exit code (128 + N for signal N) once it is over."""

    def __init__(self, popen: subprocess.Popen[bytes], output: asyncio.Future[None]) -> None:
        self.pid = popen.pid
        self.ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.drained = output
        self._popen = popen
        self._watch_end()

    @property
    def running(self) -> bool:
        """Whether it has not ended yet."""
        return not self.ended.done()

    def signal(self, number: int) -> None:
        """Sends a signal to the process and its group; one that has ended needs none."""
        if self.running:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def kill(self) -> None:
        """SIGKILL for the process and its group."""
        self.signal(signal.SIGKILL)

    async def terminate(self, grace: float) -> None:
        """SIGTERM, then SIGKILL after `grace` seconds. Returns once it has ended."""
        if grace > 0:
            self.signal(signal.SIGTERM)
            await asyncio.wait({self.ended}, timeout=grace)
        self.kill()
        await asyncio.wait({self.ended})

    def _watch_end(self) -> None:
        loop = asyncio.get_running_loop()
        if hasattr(os, "pidfd_open"):
            fd = os.pidfd_open(self.pid)
            loop.add_reader(fd, self._reap, fd)
            return

        def wait() -> None:
            self._popen.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody asks any more
                loop.call_soon_threadsafe(self._settle)

        threading.Thread(target=wait, name=f"wait {self.pid}", daemon=True).start()

    def _reap(self, fd: int) -> None:
        asyncio.get_running_loop().remove_reader(fd)
        os.close(fd)
        self._popen.wait()
        self._settle()

    def _settle(self) -> None:
        code = self._popen.returncode
        if not self.ended.done():
            self.ended.set_result(code if code >= 0 else 128 - code)


def start(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], output: Callable[[bytes], None]) -> Process:
    """Starts a command in its own session, with this environment alone; `output` is given what it prints, in order.

    Raises CannotStart when the command or the directory is not there.
    """
    program = shutil.which(command[0], path=env.get("PATH", os.defpath)) if "/" not in command[0] else str(cwd / command[0])
    if program is None:
        raise CannotStart(f'exec: "{command[0]}": executable file not found in $PATH')
    if not os.access(program, os.X_OK):
        raise CannotStart(f'exec: "{command[0]}": no such executable file')
    if not cwd.is_dir():
        raise CannotStart(f"working directory {cwd} does not exist")
    reader, writer = os.pipe()
    try:
        popen = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid()), str(OPEN_FILES), *command],
            cwd=cwd, env=dict(env), stdin=subprocess.DEVNULL, stdout=writer, stderr=writer, start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        os.close(reader)
        raise CannotStart(f"exec: {error}") from error
    finally:
        os.close(writer)
    return Process(popen, _pump(reader, output))


def _pump(reader: int, output: Callable[[bytes], None]) -> asyncio.Future[None]:
    """Passes on what arrives at a pipe; the future is done when its last writer has closed it (or it is cancelled)."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()
    os.set_blocking(reader, False)

    def close(_: object = None) -> None:
        loop.remove_reader(reader)
        os.close(reader)

    def ready() -> None:
        try:
            chunk = os.read(reader, CHUNK)
        except BlockingIOError:
            return
        if chunk:
            output(chunk)
        elif not done.done():
            done.set_result(None)

    done.add_done_callback(close)
    loop.add_reader(reader, ready)
    return done


async def run(command: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: float) -> tuple[int | None, str]:
    """Runs a command to its end: (exit code, its first 10,000 bytes of output); the code is None when time ran out."""
    kept = bytearray()
    process = start(command, cwd=cwd, env=env, output=lambda chunk: kept.extend(chunk[: 10_000 - len(kept)]))
    try:
        await asyncio.wait({process.ended}, timeout=timeout)
        code = process.ended.result() if process.ended.done() else None
    finally:
        process.kill()
        await asyncio.wait({process.ended}, timeout=10.0)
        await asyncio.wait({process.drained}, timeout=0.2)
        process.drained.cancel()
    return code, kept.decode("utf-8", "replace")
