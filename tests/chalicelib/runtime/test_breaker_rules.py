"""When a cluster that gives no answer is asked again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.runtime.breaker_rules import (
    CLOSED,
    FIRST,
    LONGEST,
    OPENS_AFTER,
    TRYING,
    Breaker,
    Door,
    door,
    missed,
    pause,
    taken,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def silent(times: int) -> Breaker:
    breaker = CLOSED
    for second in range(times):
        breaker = missed(breaker, after(second), trying=False)
    return breaker


def test_a_cluster_is_asked_until_three_calls_in_a_row_found_nobody() -> None:
    assert [door(silent(times), after(times)) for times in range(4)] == [Door.CLOSED, Door.CLOSED, Door.CLOSED, Door.OPEN]
    assert silent(3).since == T0


def test_the_first_after_the_wait_tries_and_others_wait_for_what_it_hears() -> None:
    breaker = silent(3)
    again = after(2) + FIRST

    assert door(breaker, again - timedelta(microseconds=1)) is Door.OPEN
    assert door(breaker, again) is Door.HALF_OPEN
    assert door(taken(breaker, again), again) is Door.OPEN
    assert door(taken(breaker, again), again + TRYING) is Door.HALF_OPEN, "who tried died"


def test_each_try_that_finds_nobody_doubles_the_wait_up_to_a_minute() -> None:
    assert [pause(OPENS_AFTER + tries).total_seconds() for tries in range(6)] == [5, 10, 20, 40, 60, 60]
    assert pause(10**9) == LONGEST


def test_who_asked_before_it_opened_does_not_prolong_it() -> None:
    breaker = silent(3)

    assert missed(breaker, after(4), trying=False) == breaker
    assert missed(breaker, after(9), trying=True).failures == 4


@settings(max_examples=60, deadline=None)
@given(
    gaps=st.lists(st.floats(0.05, 20, allow_nan=False), min_size=20, max_size=200),
    late=st.lists(st.booleans(), min_size=200, max_size=200),
)
def test_whoever_comes_and_when_a_silent_cluster_is_asked_rarely_and_never_given_up(
    gaps: list[float], late: list[bool]
) -> None:
    breaker, now, tries = CLOSED, T0, list[datetime]()
    for gap, other in zip(gaps, late, strict=False):
        now += timedelta(seconds=gap)
        found = door(breaker, now)
        if found is not Door.OPEN:
            tries.append(now)
            trying = found is Door.HALF_OPEN
            breaker = missed(taken(breaker, now) if trying else breaker, now, trying=trying)
        elif other:
            breaker = missed(breaker, now, trying=False)
        assert breaker.next_try is None or breaker.next_try <= now + max(TRYING, LONGEST), "it is never given up"
    opened = tries[OPENS_AFTER - 1 :]
    for index, (one, other_try) in enumerate(pairwise(opened)):
        assert other_try - one >= pause(OPENS_AFTER + index)
