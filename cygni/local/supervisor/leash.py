"""`python -m cygni.local.supervisor.leash MODULE ARGS…`: runs a module as `python -m` would, for as long as stdin is open.

The supervisor holds the other end. When it ends, however it ends, stdin closes and the process stops: in order first, and at
once if that takes too long. So nothing outlives a supervisor that was killed, on any system.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

PATIENCE = 15.0
"""Seconds that an orderly stop may take."""


def main() -> None:
    """Watch stdin in a thread, run the module in this one."""
    threading.Thread(target=_watch, name="leash", daemon=True).start()
    module = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(PATIENCE)
    os._exit(1)


if __name__ == "__main__":
    main()
