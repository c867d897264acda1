"""The door to a cluster: one record for all who would call, and nothing to pay while the cluster answers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bench.store_count import counting
from chalicelib.platform.errors import ClusterDown
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from chalicelib.runtime.breaker_rules import FIRST, OPENS_AFTER
from chalicelib.runtime.breaking import ClusterDoor, breaker_of
from chalicelib.runtime.models import ClusterRecord, cluster_sk, team_pk
from functions.catalog import FUNCTIONS
from tests.support.store import memory_store
from tests.support.world import START, Clock

TEAM = "team_1"


class Far:
    """A registered cluster in the store, and doors to it."""

    def __init__(self) -> None:
        self.clock = Clock()
        record = ClusterRecord(team_pk(TEAM), cluster_sk("far"), team=TEAM, name="far", provider="token", server="https://x")
        record.access, record.metrics, record.preset, record.health = "acc_1", "m", "p", "healthy"
        record.created_by, record.created_at = "usr_1", START
        team_store(TEAM).commit([Put(record)])

    @property
    def record(self) -> ClusterRecord:
        found = team_store(TEAM).fetch(ClusterRecord, team_pk(TEAM), cluster_sk("far"))
        assert found is not None
        return found

    def door(self) -> ClusterDoor:
        """As a task finds it."""
        return ClusterDoor(TEAM, "far", breaker_of(self.record), self.clock)

    def falls_silent(self) -> None:
        for _ in range(OPENS_AFTER):
            door = self.door()
            door.admit()
            door.missed()


@pytest.fixture
def far() -> Iterator[Far]:
    with memory_store():
        yield Far()


def test_a_cluster_that_answers_costs_the_store_nothing(far: Far) -> None:
    door = far.door()
    with counting() as counter:
        for _ in range(5):
            door.admit()
            door.answered()

    assert counter.calls == []


def test_silences_of_different_tasks_add_up_and_then_nobody_asks(far: Far) -> None:
    far.falls_silent()

    with pytest.raises(ClusterDown, match="far gives no answer since 03:04:05Z"):
        far.door().admit()


def test_one_of_many_who_come_after_the_wait_asks(far: Far) -> None:
    far.falls_silent()
    far.clock.now += FIRST
    doors = [far.door() for _ in range(5)]

    admitted = [admits(each) for each in doors]

    assert admitted == [True, False, False, False, False]


def test_its_answer_lets_all_others_in_and_its_silence_makes_them_wait_longer(far: Far) -> None:
    far.falls_silent()
    far.clock.now += FIRST
    first = far.door()
    assert admits(first)
    first.missed()
    far.clock.now += FIRST
    assert not admits(far.door())
    far.clock.now += FIRST
    second = far.door()
    assert admits(second)
    second.answered()

    assert admits(far.door())
    assert far.record.next_try is None


def test_an_answer_between_silences_begins_the_count_anew(far: Far) -> None:
    for _ in range(OPENS_AFTER * 2):
        far.door().missed()
        far.door().answered()

    assert admits(far.door())


def test_who_took_the_try_and_died_is_followed_by_another(far: Far) -> None:
    far.falls_silent()
    far.clock.now += FIRST
    assert admits(far.door())

    far.clock.now += timedelta(seconds=31)

    assert admits(far.door())


def test_a_cluster_that_was_removed_meanwhile_stops_nobody(far: Far) -> None:
    door = ClusterDoor(TEAM, "gone", breaker_of(far.record), far.clock)

    door.missed()

    assert admits(door)


def test_every_function_that_reaches_clusters_may_keep_what_it_heard_there() -> None:
    reaching = {each.name: set(each.rights) for each in FUNCTIONS if "reach clusters" in each.rights}
    keeping = ({"read records", "write records"}, {"act for one team at a time"})

    assert [name for name, rights in reaching.items() if not any(enough <= rights for enough in keeping)] == []


def admits(door: ClusterDoor) -> bool:
    try:
        door.admit()
    except ClusterDown:
        return False
    return True
