"""The command as a process: what only shows outside of the test's own interpreter."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

from cygni.cli.exits import Exit
from tests.fakes.api import TOKEN, FakeApi, Frame

COMMAND = [sys.executable, "-m", "cygni.cli"]


def environ(api: FakeApi, **more: str) -> dict[str, str]:
    return {**os.environ, "CYGNI_ENDPOINT": api.url, "CYGNI_TOKEN": TOKEN, "TERM": "xterm", **more}


def on_a_terminal(arguments: list[str], variables: dict[str, str], folder: Path) -> tuple[int, str]:
    """Run a command whose stdout is a terminal; its exit code and what it wrote there."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, *arguments], env=variables, cwd=folder, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:  # Linux says so when the other end is closed
            pass
        os.close(ours)
    return process.returncode, said.decode()


def test_on_a_terminal_the_table_is_redrawn_in_place(api: FakeApi, shop: Path) -> None:
    api.add_service(live=1)
    api.script = lambda: (
        Frame("rolling_out", "shifted", "10 %", weight=10, canary=(120, 0, 34.0)),
        Frame("promoted", "promoted", "All.", weight=100, outcome="All gates passed."),
    )

    code, said = on_a_terminal(["deploy"], environ(api), shop)

    assert code == Exit.OK
    assert "REQUESTS" in said
    assert "\x1b[2K" in said
    assert "is promoted" in said


def test_no_color_means_none(api: FakeApi, shop: Path) -> None:
    api.add_service()

    _, plain = on_a_terminal(["status"], environ(api, NO_COLOR="1"), shop)
    _, coloured = on_a_terminal(["whoami"], environ(api, CYGNI_TOKEN="wrong"), shop)

    assert "\x1b[3" not in plain
    assert "\x1b[1;31m" in coloured


def test_a_reader_that_goes_away_is_no_error(api: FakeApi, shop: Path) -> None:
    api.add_service()
    api.log_lines += [{"at": "2026-01-02T03:04:05Z", "release": 1, "instance": "a", "text": "x" * 900} for _ in range(500)]
    command = [*COMMAND, "logs", "-n", "1000"]

    with subprocess.Popen(command, env=environ(api), cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()

        assert process.stderr.read() == b""


def test_ctrl_c_while_following_detaches(api: FakeApi, shop: Path) -> None:
    api.script = lambda: tuple(Frame("building", "building" if turn == 0 else None) for turn in range(99))

    with subprocess.Popen(
        [*COMMAND, "deploy"], env=environ(api), cwd=shop, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        while "building" not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)

        assert "cygni abort dep_" in process.stderr.read()
    assert process.returncode == Exit.INTERRUPTED
    assert not api.asked("POST", "/abort")


def test_a_terminal_of_a_narrow_encoding_does_not_end_a_command(api: FakeApi, shop: Path) -> None:
    api.add_service()
    api.log_lines.append({"at": "2026-01-02T03:04:05Z", "release": 1, "instance": "a", "text": "größer ✔"})

    done = subprocess.run(
        [*COMMAND, "logs"], env=environ(api, PYTHONIOENCODING="ascii"), cwd=shop, capture_output=True, check=False
    )

    assert done.returncode == 0
    assert b"gr" in done.stdout


def test_completion_is_offered(shop: Path) -> None:
    done = subprocess.run([*COMMAND, "--show-completion", "bash"], capture_output=True, text=True, check=False, cwd=shop)

    assert done.returncode == 0
    assert "_CYGNI_COMPLETE" in done.stdout
