"""Ends a killed node's processes: waits beside the node until the pipe from it closes, then sweeps its journal.

A node that stops in order leaves nothing to sweep. One that is killed takes its containers' first processes along (the
kernel sees to that), and this takes the rest: what a shell or a package manager started below them. It holds the node's lock
until it is done, so that the next node does not begin before.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def keep_watch(journal: Path, lock: int) -> subprocess.Popen[bytes]:
    """Starts the warden of a journal. It sweeps when the returned process's `stdin` closes, with the node or before."""
    return subprocess.Popen(
        [sys.executable, "-m", "cygni.local.node.warden", str(journal)],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True, pass_fds=(lock,), cwd="/", env=_environment(),
    )  # fmt: skip


def _environment() -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[3])
    return {"PYTHONPATH": root, "PATH": os.environ.get("PATH", os.defpath), "PYTHONDONTWRITEBYTECODE": "1"}


def main() -> None:
    """Waits for the end of the node, then sweeps."""
    os.read(0, 1)
    from cygni.local.node.leftovers import Journal

    Journal(Path(sys.argv[1])).sweep()


if __name__ == "__main__":
    main()
