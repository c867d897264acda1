"""`python -m tests.support.awsprocess FOLDER PORT`: ministack alone, for a test that has many threads write to it.

A process of its own, so that the test's process can fail its calls without failing what ministack asks of itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cygni.local.cloud.emulator import Emulator, environment
from cygni.local.freeports import free_port

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """Its address, while it runs."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "tests.support.awsprocess", str(folder), str(port)]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n", (folder / "log").read_text()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def main(folder: Path, port: int) -> None:
    """Serves until its input ends."""
    for each in ("services", "s3", "tmp"):
        (folder / each).mkdir(parents=True, exist_ok=True)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(environment(folder, port) | {"PERSIST_STATE": "0"})
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    Emulator("127.0.0.1", port).start()
    answers.write("ready\n")
    answers.flush()
    while sys.stdin.readline():
        time.sleep(0.1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
