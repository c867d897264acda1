"""A build's log in the bucket."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from cygni.local.cloud.buildlog import BuildLog


def test_followers_see_lines_while_the_build_runs() -> None:
    put: list[bytes] = []

    with BuildLog(put.append, seconds=0.01) as log:
        log.line("one")
        deadline = time.monotonic() + 60
        while put[-1:] != [b"one\n"] and time.monotonic() < deadline:
            time.sleep(0.005)
        seen = put[-1]
        log.line("two")

    assert (seen, put[-1]) == (b"one\n", b"one\ntwo\n")


def test_what_is_put_away_only_ever_grows() -> None:
    put: list[bytes] = []

    with BuildLog(put.append, seconds=0.001) as log:
        for number in range(200):
            log.line(f"line {number}")

    assert all(after.startswith(before) for before, after in pairwise(put))


def test_a_log_that_is_too_long_says_so_once() -> None:
    put: list[bytes] = []

    with BuildLog(put.append) as log:
        for _ in range(6):
            log.line("x" * 1024 * 1024)

    assert put[-1].endswith(b"The log is longer than 4 MB; the rest is left out.\n")
    assert put[-1].count(b"left out") == 1


def test_a_bucket_that_fails_does_not_fail_the_build(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: bytes) -> None:
        raise OSError("no")

    with BuildLog(fail) as log:
        log.line("one")

    assert "could not be stored" in caplog.text
