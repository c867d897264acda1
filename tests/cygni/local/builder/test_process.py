from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from chalicelib.platform.errors import BuildFailed
from cygni.local.builder.process import Runner
from tests.cygni.local.builder.support import is_over

PATH = {"PATH": "/usr/bin:/bin"}


def runner(seconds: float = 120) -> tuple[Runner, list[str]]:
    lines: list[str] = []
    return Runner(lines.append, threading.Event(), time.monotonic() + seconds, int(seconds)), lines


def test_both_streams_are_logged_line_by_line(tmp_path: Path) -> None:
    run, lines = runner()

    run.run("echo one; echo two >&2; printf 'three\\rfour\\377'", tmp_path, PATH)

    assert lines[1:] == ["one", "two", "three", "four\ufffd"]


def test_a_command_has_the_folder_and_the_environment_it_is_given_and_no_input(tmp_path: Path) -> None:
    run, lines = runner()

    run.run("pwd; echo $GREETING; cat", tmp_path, {**PATH, "GREETING": "hello"})

    assert lines[1:] == [str(tmp_path), "hello"]


def test_what_a_command_leaves_running_is_ended_with_it(tmp_path: Path) -> None:
    run, lines = runner()

    run.run("sleep 60 & echo $!", tmp_path, PATH)

    assert is_over(int(lines[1]))


def test_a_command_that_ignores_the_request_to_stop_is_killed(tmp_path: Path) -> None:
    run, _ = runner(0.3)

    with pytest.raises(BuildFailed, match="longer"):
        run.run("trap '' TERM; while true; do sleep 0.1; done", tmp_path, PATH)


def test_a_command_killed_by_a_signal_says_which(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="killed by SIGKILL"):
        runner()[0].run("kill -9 $$", tmp_path, PATH)


def test_nothing_is_started_once_the_build_is_cancelled(tmp_path: Path) -> None:
    run, lines = runner()
    run.cancelled.set()

    with pytest.raises(BuildFailed, match="cancelled"):
        run.run("echo never", tmp_path, PATH)
    assert lines == []
