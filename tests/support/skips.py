"""With CYGNI_TEST_ALL=1 a test that would be skipped fails: nothing is left out on a machine that is meant to have it all.

A skip for what a cluster or a machine is, where no tool would help, stays one.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

WANTED = "CYGNI_TEST_ALL"
BY_NATURE = (
    "this server is so young",
    "the API server is not on this machine",
    "this machine has no address but loopback",
)
"""How reasons begin that no tool's absence is behind."""


def _judge(report: pytest.TestReport | pytest.CollectReport) -> None:
    if os.environ.get(WANTED) != "1" or not report.skipped or hasattr(report, "wasxfail"):
        return
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = told.removeprefix("Skipped: ")
    if not reason.startswith(BY_NATURE):
        report.outcome = "failed"
        report.longrepr = f"{WANTED} is set, and this test would be skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test's report."""
    report = yield
    _judge(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A module's report: one that skips itself as a whole."""
    report = yield
    _judge(report)
    return report
