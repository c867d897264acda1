"""So many requests a minute for one caller, over all processes, without a look-up for each request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.identity.counter import take_block
from chalicelib.identity.limits import FREE, MINUTE, SharedLimits
from chalicelib.platform.errors import RateLimited, Throttled
from tests.support.store import memory_store
from tests.support.world import Client

NOW = datetime(2026, 1, 2, 3, 4, 15, tzinfo=UTC)


class Counter:
    """The store's counters in memory; `asked` counts round trips."""

    def __init__(self) -> None:
        self.taken: dict[tuple[str, int], int] = {}
        self.asked = 0

    def __call__(self, caller: str, minute: int, asked: int) -> int:
        self.asked += 1
        self.taken[caller, minute] = self.taken.get((caller, minute), 0) + asked
        return self.taken[caller, minute]


def passes(limits: SharedLimits, caller: str, times: int, now: datetime = NOW) -> int:
    """How many of so many requests pass."""
    passed = 0
    for _ in range(times):
        try:
            limits.admit(caller, now)
            passed += 1
        except RateLimited:
            continue
    return passed


def test_a_person_at_a_terminal_never_waits_for_the_counter() -> None:
    counter = Counter()
    limits = SharedLimits(counter, per_minute=600)

    assert passes(limits, "usr_1", FREE) == FREE
    assert counter.asked == 0


def test_a_flood_is_held_to_the_limit_with_few_look_ups() -> None:
    counter = Counter()
    limits = SharedLimits(counter, per_minute=600)

    assert passes(limits, "usr_1", 5_000) == 600 + FREE
    assert counter.asked <= 12


@given(st.integers(1, 6), st.integers(1, 400))
def test_many_processes_together_exceed_the_limit_by_their_free_requests_at_most(processes: int, limit: int) -> None:
    counter = Counter()
    all_limits = [SharedLimits(counter, per_minute=limit) for _ in range(processes)]

    passed = sum(passes(limits, "usr_1", limit + 50) for limits in all_limits)

    assert min(limit, FREE) <= passed <= limit + processes * FREE


def test_a_refusal_says_when_to_come_again_and_then_it_passes() -> None:
    limits = SharedLimits(Counter(), per_minute=30)
    passes(limits, "usr_1", 100)

    with pytest.raises(RateLimited) as refused:
        limits.admit("usr_1", NOW)

    assert refused.value.retry_after == 45
    limits.admit("usr_1", NOW + timedelta(seconds=refused.value.retry_after))


def test_one_caller_is_not_another() -> None:
    limits = SharedLimits(Counter(), per_minute=30)
    passes(limits, "usr_1", 100)

    assert passes(limits, "usr_2", 10) == 10


def test_a_counter_that_is_away_holds_nobody_up() -> None:
    def away(_caller: str, _minute: int, _asked: int) -> int:
        raise Throttled("The table is away.")

    assert passes(SharedLimits(away, per_minute=30), "usr_1", 100) == 100


@pytest.fixture
def table() -> Iterator[None]:
    with memory_store():
        yield


@pytest.mark.usefixtures("table")
def test_the_stores_counter_counts_by_caller_and_minute() -> None:
    minute = int(NOW.timestamp()) // MINUTE

    assert [take_block("usr_1", minute, 60), take_block("usr_1", minute, 60)] == [60, 120]
    assert take_block("usr_2", minute, 5) == 5
    assert take_block("usr_1", minute + 1, 5) == 5


def test_a_caller_over_its_limit_is_told_by_the_api(api: Client) -> None:
    api.fakes.limits.over.add("admin")

    refused = api.get("/v1/projects")

    assert (refused.status, refused.json["code"]) == (429, "rate-limited")
    assert refused.headers["retry-after"] == "30"
