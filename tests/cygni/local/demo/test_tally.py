"""What is read from the traffic."""

from __future__ import annotations

from collections import Counter

import pytest

from cygni.local.demo.tally import Blemish, Seen, blemish, failures_of, requests_of, time_to_zero, who_answers


def seen(sent: float = 0.0, status: int = 200, revision: str = "r2", took: float = 0.01, error: str = "") -> Seen:
    return Seen(sent, took, status, revision, error)


def test_requests_and_failures_are_counted_by_revision() -> None:
    traffic = [seen(), seen(revision="r3"), seen(revision="r3", status=500)]

    assert requests_of(traffic, "r3") == 2
    assert failures_of(traffic, "r3") == 1
    assert failures_of(traffic, "r2") == 0


def test_a_bad_canarys_own_5xx_is_no_blemish() -> None:
    assert blemish([seen(), seen(status=500, revision="r3")], frozenset({"r3"})) is None


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        (seen(status=500, revision="r2"), "status 500 from r2"),
        (seen(status=503, revision=""), "status 503 from the gateway itself"),
        (seen(status=0, revision="", error="ConnectionRefusedError"), "no answer (ConnectionRefusedError)"),
        (seen(status=404, revision="r3"), "status 404 from r3"),
    ],
    ids=["the stable revision", "the gateway", "no connection", "not a 5xx"],
)
def test_any_other_failure_is_a_blemish(bad: Seen, told: str) -> None:
    assert blemish([seen(), bad, seen()], frozenset({"r3"})) == Blemish(1, told)


def test_time_to_zero_runs_from_the_first_failure_to_the_last_request_that_reached_it() -> None:
    traffic = [seen(10, revision="r3"), seen(11, 500, "r3", took=0.5), seen(15, revision="r3"), seen(99, revision="r2")]

    assert time_to_zero(traffic, "r3", slow=1) == pytest.approx(3.5)


def test_a_slow_answer_counts_as_a_bad_one() -> None:
    traffic = [seen(10, revision="r4", took=0.9), seen(12, revision="r4", took=0.01)]

    assert time_to_zero(traffic, "r4", slow=0.4) == pytest.approx(1.1)


def test_a_revision_that_never_answered_badly_has_no_time_to_zero() -> None:
    assert time_to_zero([seen(10, revision="r3")], "r3", slow=1) is None


def test_who_answers_looks_only_at_what_was_sent_since() -> None:
    traffic = [seen(1, revision="r3"), seen(5), seen(6), seen(7, status=500)]

    assert who_answers(traffic, since=5) == Counter({"r2": 2, "failed": 1})
