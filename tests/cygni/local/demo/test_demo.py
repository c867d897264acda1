"""The demo as `make demo` runs it: the real cloud, the real command, real traffic."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
COMMAND = [sys.executable, "-m", "cygni.local.demo"]


def environ(tmp_path: Path) -> dict[str, str]:
    """A temporary folder of its own, so that what a demo leaves behind can be seen."""
    return {**os.environ, "TMPDIR": str(tmp_path)}


def running_in(folder: Path) -> list[str]:
    """The command lines of all processes that have to do with a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if process.status() != psutil.STATUS_ZOMBIE and (str(folder) in line or process.cwd().startswith(str(folder))):
                found.append(line)
        except psutil.Error:
            continue
    return found


def test_two_versions_are_kept_two_are_caught_and_nothing_is_left(tmp_path: Path) -> None:
    done = subprocess.run([*COMMAND, "--json"], check=False, env=environ(tmp_path), capture_output=True, text=True, timeout=500)

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [each["state"] for each in result["releases"]] == ["promoted", "promoted", "rolled_back", "rolled_back"]
    assert result["ok"] is True
    assert result["complaints"] == []
    assert result["rolled_back_by"] in {"errorRate", "errorRateIncrease"}
    assert result["releases"][2]["seconds_to_verdict"] > 0
    assert result["releases"][2]["failed_requests"] > 0
    assert result["releases"][1]["failed_requests"] == 0
    assert running_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("until", ["Starting", "Deploying", "shifted"], ids=["starting", "deploying", "under traffic"])
def test_interrupted_at_any_time_it_leaves_no_process_behind(tmp_path: Path, until: str) -> None:
    with subprocess.Popen(COMMAND, env=environ(tmp_path), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if until in line:
                break
        time.sleep(0.3)  # into the middle of what it just said that it does
        process.send_signal(signal.SIGINT)
        said = process.stdout.read()

        assert process.wait(90) == 130
    assert "everything is stopped" in said
    assert running_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
