"""One command at a time: a lock on a file, which the system lets go of when its holder ends, however that is."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cygni.cli.errors import CliError
from cygni.cli.exits import Exit

PATIENCE = 60.0
"""Seconds to wait for another command: longer than it may take to renew a login."""

_LOOK = 0.02


@contextmanager
def held(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock within the block. Raises CliError when the file cannot be made, or another command keeps it too long."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CliError(
            f"{path} cannot be written: {error.strerror}.",
            remedy="Make the folder writable, or name another one with XDG_CONFIG_HOME.",
            exit_code=Exit.USAGE,
            code="not-writable",
        ) from None
    try:
        _take(descriptor, path, time.monotonic() + patience)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, deadline: float) -> None:
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise CliError(
                    f"Another cygni command has held {path} for {PATIENCE:.0f} s.",
                    remedy="End it if it hangs (`jobs` shows whether it was stopped with Ctrl-Z), then try again.",
                    exit_code=Exit.CONFLICT,
                    code="locked",
                ) from None
            time.sleep(_LOOK)
        else:
            return
