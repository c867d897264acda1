from __future__ import annotations

from datetime import UTC, datetime

from cygni.local.node.history import Past, history
from cygni.local.node.rules import Terminated

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ENDED = {
    "exitCode": 1,
    "reason": "Error",
    "startedAt": "2026-01-02T03:04:00Z",
    "finishedAt": "2026-01-02T03:04:05Z",
    "message": "boom",
}


def test_a_container_without_status_has_no_past() -> None:
    assert history({}, NOW) == Past()


def test_one_that_ran_was_lost_with_its_node() -> None:
    past = history(
        {"containerID": "cygni://a", "restartCount": 2, "state": {"running": {"startedAt": "2026-01-02T03:04:00Z"}}}, NOW
    )

    assert (past.runs, past.over) == (3, None)
    assert past.last is not None
    assert (past.last.exit_code, past.last.reason) == (137, "ContainerStatusUnknown")


def test_one_that_had_ended_is_over() -> None:
    past = history({"containerID": "cygni://a", "restartCount": 0, "state": {"terminated": ENDED}}, NOW)

    assert past.runs == 1
    assert past.over == Terminated(1, "Error", datetime(2026, 1, 2, 3, 4, tzinfo=UTC), NOW, "boom")


def test_one_that_waited_for_its_restart_remembers_its_last_end() -> None:
    status = {"containerID": "c", "restartCount": 5, "state": {"waiting": {"reason": "x"}}, "lastState": {"terminated": ENDED}}

    past = history(status, NOW)

    assert (past.runs, past.over) == (6, None)
    assert past.last is not None
    assert past.last.message == "boom"
