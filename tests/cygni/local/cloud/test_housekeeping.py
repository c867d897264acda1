"""What the embedded AWS forgets, and what it keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from cygni.local.cloud.emulator import EmulatorError, expect_signature
from cygni.local.cloud.housekeeping import KEPT, prune, silence

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OLD = NOW - KEPT - timedelta(hours=1)


def test_what_ended_long_ago_is_forgotten_and_what_runs_is_kept() -> None:
    executions: dict[str, Any] = {
        "old": {"stopDate": OLD.isoformat()},
        "new": {"stopDate": NOW.isoformat().replace("+00:00", "Z")},
        "running": {"stopDate": None},
    }
    builds: dict[str, Any] = {"old": {"endTime": OLD.timestamp()}, "running": {}}
    events = list(range(150))

    forgotten = prune(
        SimpleNamespace(_executions=executions),
        SimpleNamespace(_builds=builds),
        SimpleNamespace(_events_log_list=lambda: events),
        NOW,
    )

    assert (set(executions), set(builds)) == ({"new", "running"}, {"running"})
    assert events == list(range(50, 150))
    assert forgotten == 52


def test_invocations_leave_no_logs_and_metrics_behind() -> None:
    from ministack.services import lambda_svc

    before = lambda_svc._emit_lambda_logs, lambda_svc._emit_lambda_metrics
    try:
        silence(lambda_svc)

        assert lambda_svc._emit_lambda_logs({}, "id", "text", False, 1) is None
    finally:
        lambda_svc._emit_lambda_logs, lambda_svc._emit_lambda_metrics = before


def test_a_function_that_is_not_as_we_know_it_is_refused_by_name() -> None:
    with pytest.raises(EmulatorError, match=r"prune takes .*requirements-dev\.txt"):
        expect_signature(prune, ["other"])
