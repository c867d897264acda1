"""How much of a pod's log is read."""

from __future__ import annotations

import pytest

from chalicelib.runtime import reading
from chalicelib.runtime.logs import Cursor, Place, entries, merge
from tests.chalicelib.runtime.builders import TARGET, ended, pod, running, waiting
from tests.chalicelib.runtime.test_logs import stamped
from tests.fakes.kube import FakeCluster

SPACE, POD = TARGET.namespace, "web-r1-a"


@pytest.fixture
def cluster():
    return FakeCluster()


def follow(cluster, seen, page):
    """The texts of one page after `page`, of the pod `seen`."""
    place = Cursor.decode(page.cursor)
    return [line.text for line in merge(reading.entries_after(cluster, [seen], place), place, limit=10**6).lines]


def newest(cluster, seen, limit):
    return merge(reading.newest_entries(cluster, [seen], limit), Cursor(), limit=limit, newest=True)


def test_the_end_of_a_restarted_containers_log_is_read_before_its_present_one(cluster):
    cluster.set_log(SPACE, POD, stamped((1, "died")), previous=True)
    cluster.set_log(SPACE, POD, stamped((2, "born")))

    (log,) = reading.newest_entries(cluster, [pod(running(), restarts=1)], 10)

    assert [entry.text for entry in log.entries] == ["died", "born"]


def test_a_tail_cut_inside_one_moment_repeats_nothing_on_the_next_page(cluster):
    written = [(7, str(index)) for index in range(30)]
    cluster.set_log(SPACE, POD, stamped(*written))

    page = newest(cluster, pod(running()), 5)

    cluster.set_log(SPACE, POD, stamped(*written, (7, "next")))
    assert [line.text for line in page.lines] == ["25", "26", "27", "28", "29"]
    assert follow(cluster, pod(running()), page) == ["next"]


def test_more_is_read_until_something_new_is_found(cluster):
    flood = [(5 * 10**9 + index, "x" * 4000) for index in range(200)]
    cluster.set_log(SPACE, POD, stamped(*flood, (6 * 10**9, "after the flood")))
    reached = Cursor(Place(entries("", stamped(flood[-1]), closed=True)[0].place.moment, 1))

    (log,) = reading.entries_after(cluster, [pod(running())], reached)

    assert log.entries[-1].text == "after the flood"


def test_a_flood_beyond_the_bound_is_passed_over_rather_than_stood_before_for_ever(cluster):
    flood = [(5 * 10**9, "x" * 16_000)] * (reading.MOST_BYTES // 16_000 + 50)
    cluster.set_log(SPACE, POD, stamped(*flood, (8 * 10**9, "later")))
    reached = Cursor(Place(entries("", stamped(flood[0]), closed=True)[0].place.moment, len(flood) - 10))

    (log,) = reading.entries_after(cluster, [pod(running())], reached)

    assert [entry.text for entry in log.entries] == ["later"]


def test_the_tail_of_a_process_that_came_back_is_that_of_the_one_that_ended(cluster):
    cluster.set_log(SPACE, POD, stamped((1, "traceback")), previous=True)
    cluster.set_log(SPACE, POD, stamped((2, "starting")))

    assert reading.tail_of(cluster, pod(running(), last=ended(1), restarts=1)) == ("traceback",)


@pytest.mark.parametrize("previous", [True, False])
def test_the_tail_of_a_process_that_waits_to_come_back_is_found_wherever_the_server_keeps_it(cluster, previous):
    cluster.set_log(SPACE, POD, stamped((1, "traceback")), previous=previous)

    assert reading.tail_of(cluster, pod(waiting("CrashLoopBackOff"), last=ended(1), restarts=1)) == ("traceback",)


def test_a_tail_is_twenty_lines_at_most(cluster):
    cluster.set_log(SPACE, POD, stamped(*((index, str(index)) for index in range(50))))

    assert reading.tail_of(cluster, pod(ended(1))) == tuple(str(index) for index in range(30, 50))
