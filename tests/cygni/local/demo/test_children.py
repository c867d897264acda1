"""No process outlives the demo."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from cygni.local.demo.children import Cloud, CloudFailed, CommandFailed, cygni_document, descendants

STUBBORN = """
    import signal, subprocess, sys, time
    from cygni.local.demo.children import Interrupts
    interrupts = Interrupts()
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
    try:
        print(child.pid, flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        print("stopping", flush=True)
        time.sleep(60)
"""


def gone(pid: int) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_the_second_kills_everything(number: signal.Signals) -> None:
    command = [sys.executable, "-c", textwrap.dedent(STUBBORN)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.send_signal(number)
        told = process.stdout.readline()
        process.send_signal(number)

        assert process.wait(60) == 128 + number
    assert told == "stopping\n"
    assert gone(child)


def test_a_cloud_that_ends_by_itself_is_told_with_its_exit_code(tmp_path: Path) -> None:
    cloud = Cloud(tmp_path)
    cloud.start(("--no-such-option",))
    try:
        with pytest.raises(CloudFailed, match="exit code"):
            cloud.wait_ready(120)
    finally:
        cloud.stop()
    assert cloud.log.exists()


def test_a_cloud_that_never_started_can_be_stopped(tmp_path: Path) -> None:
    Cloud(tmp_path).stop()

    assert all(each.ppid() == os.getpid() for each in descendants(os.getpid()))


def test_the_cloud_does_not_see_another_control_plane(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CYGNI_ENDPOINT", "https://elsewhere.example.com")

    environ = Cloud(tmp_path).environ

    assert "CYGNI_ENDPOINT" not in environ
    assert environ["XDG_CONFIG_HOME"].startswith(str(tmp_path))


def test_a_command_that_fails_says_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="No control plane is configured"):
        cygni_document(["whoami"], Cloud(tmp_path).environ, tmp_path)
