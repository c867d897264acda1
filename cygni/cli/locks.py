"""One command at a time: a lock on a file, which the system lets go of when its holder ends, however that is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cygni.cli.errors import CliError
from cygni.cli.exits import Exit

PATIENCE = 60.0
"""Seconds to wait for another command: longer than it may take to renew a login."""

_LOOK = 0.02

if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _try(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextmanager
def held(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock within the block. Raises CliError when the file cannot be made, or another command keeps it too long."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(path, error) from None
    try:
        _take(descriptor, path, patience)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path, patience: float) -> None:
    deadline = time.monotonic() + patience
    while True:
        try:
            _try(descriptor)
        except (BlockingIOError, PermissionError):
            if time.monotonic() >= deadline:
                raise CliError(
                    f"Another cygni command has held {path} for {patience:.0f} s.",
                    remedy="End it if it hangs (`jobs` shows whether it was stopped with Ctrl-Z), then try again.",
                    exit_code=Exit.CONFLICT,
                    code="locked",
                ) from None
            time.sleep(_LOOK)
        except OSError as error:  # a file system without locks
            raise _unusable(path, error) from None
        else:
            return


def _unusable(path: Path, error: OSError) -> CliError:
    return CliError(
        f"{path} cannot be used as a lock: {error.strerror}.",
        remedy="Make the folder writable, or name another one with XDG_CONFIG_HOME.",
        exit_code=Exit.USAGE,
        code="not-writable",
    )
