"""Becomes a container's process: run by path in a bare interpreter, prepares itself and executes the command.

Arguments: the node's process id, the limit of open files, then the command. It takes the place of code between fork and
exec in the node, which is not safe in a process with threads. It imports nothing of Cygni, so that it starts in milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
OUT_OF_MEMORY_SCORE = "500"


def main(arguments: list[str]) -> None:
    """Never returns: it becomes the command, or ends with 127 (not found) or 126 (cannot be executed)."""
    node, files, *command = arguments
    _die_with(int(node))
    _limit(int(files))
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these; what it becomes must not inherit that
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, os.environ)  # noqa: S606 - the words are the pod's own, no shell is wanted
    except FileNotFoundError:
        _fail(127, f"exec: {command[0]}: not found")
    except OSError as error:
        _fail(126, f"exec: {command[0]}: {error.strerror}")


def _die_with(node: int) -> None:
    """Asks the kernel to kill this process when the node's main thread ends, however it ends (Linux only)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != node:  # it ended before we asked
            os._exit(137)


def _limit(files: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = files if hard == resource.RLIM_INFINITY else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    # When the machine runs out of memory, pods go before the control plane. Not every kernel offers it.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
        score.write(OUT_OF_MEMORY_SCORE)


def _fail(code: int, message: str) -> None:
    os.write(2, f"{message}\n".encode("utf-8", "replace"))
    os._exit(code)


if __name__ == "__main__":
    main(sys.argv[1:])
