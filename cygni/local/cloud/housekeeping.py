"""Keeps the embedded AWS small on a machine where it runs for months.

ministack remembers every invocation's log and metrics and every event for ever, in memory and in each snapshot. Nothing of
Cygni reads those; what it does read is kept longer than anyone could need it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cygni.local.cloud.emulator import expect_signature

KEPT = timedelta(days=7)
"""How long an ended workflow or build is remembered; AWS keeps them 90 and 365 days."""

_EVENTS_KEPT = 100


def silence(lambda_svc: Any) -> None:
    """No CloudWatch logs and metrics of invocations: what handlers log goes to this process's own log."""
    log = ["func", "request_id", "log_text", "error", "duration_ms", "log_source"]
    expect_signature(lambda_svc._emit_lambda_logs, log)
    expect_signature(lambda_svc._emit_lambda_metrics, ["function_name", "duration_ms", "error", "throttle"])
    lambda_svc._emit_lambda_logs = lambda *_, **__: None
    lambda_svc._emit_lambda_metrics = lambda *_, **__: None


def prune(stepfunctions: Any, codebuild: Any, eventbridge: Any, now: datetime) -> int:
    """Forgets workflows and builds that ended longer ago than `KEPT`, and all but the newest events; answers how many."""
    oldest = now - KEPT
    old = [arn for arn, each in list(stepfunctions._executions.items()) if _ended_before(each.get("stopDate"), oldest)]
    for arn in old:
        stepfunctions._executions.pop(arn, None)
    ended = [key for key, each in list(codebuild._builds.items()) if 0 < each.get("endTime", 0) < oldest.timestamp()]
    for key in ended:
        codebuild._builds.pop(key, None)
    events = eventbridge._events_log_list()
    surplus = max(0, len(events) - _EVENTS_KEPT)
    del events[:surplus]
    return len(old) + len(ended) + surplus


def _ended_before(stopped: str | None, oldest: datetime) -> bool:
    return stopped is not None and datetime.fromisoformat(stopped.replace("Z", "+00:00")) < oldest
