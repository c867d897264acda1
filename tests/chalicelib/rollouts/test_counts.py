"""What was served between two moments, whatever happens to the readings."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.counts import Arm, Counts, delta, merge, p95_ms, quantile, rebase, surely_slower, window
from tests.chalicelib.rollouts.builders import BOUNDS, T0, at, counts, readings, sample, samples


def served(*looks: tuple[float, Counts | None], since: float = 0, now: float = 100) -> Counts | None:
    return window([sample(seconds, reading) for seconds, reading in looks], Arm.CANARY, at(since), at(now)).counts


def test_what_was_served_is_the_difference_between_first_and_last_reading() -> None:
    assert served((0, counts(100, 3)), (5, counts(130, 4)), (10, counts(160, 9))) == counts(60, 6)


def test_the_newest_reading_before_the_window_is_its_base() -> None:
    assert served((-10, counts(5)), (-1, counts(20)), (10, counts(50))) == counts(30)


def test_what_came_before_the_first_reading_is_not_counted() -> None:
    assert served((3, counts(500, 90))) == counts(0)


def test_a_counter_that_falls_began_again_and_counts_whole() -> None:
    assert served((0, counts(100)), (5, counts(150)), (10, counts(8, 1))) == counts(58, 1)


def test_a_missing_reading_is_bridged_by_its_neighbours() -> None:
    assert served((0, counts(10)), (5, None), (10, counts(70))) == counts(60)


def test_a_window_never_read_is_not_a_window_without_requests() -> None:
    assert served((0, None), (5, None)) is None


def test_a_reading_of_the_future_is_left_out() -> None:
    assert served((0, counts(10)), (5, counts(20)), (200, counts(90))) == counts(10)


def test_histograms_with_other_bounds_are_added_where_both_are_exact() -> None:
    coarse = Counts(4, 0, ((0.25, 3), (math.inf, 4)))

    assert merge(counts(10), coarse) == Counts(14, 0, ((0.25, 13), (math.inf, 14)))


def test_a_change_of_bounds_alone_is_no_restart() -> None:
    assert delta(Counts(100, 2), counts(110, 2)) == Counts(10, 0, ())


@pytest.mark.parametrize(
    ("latency", "expected"),
    [
        ((), None),
        (((0.1, 0), (math.inf, 0)), None),
        (((0.1, 100), (math.inf, 100)), 95.0),
        (((0.1, 90), (0.2, 100), (math.inf, 100)), 150.0),
        (((0.1, 0), (0.2, 0), (math.inf, 7)), 200.0),
        (((math.inf, 7),), 0.0),
    ],
    ids=["unmeasured", "no requests", "first bucket", "inside a bucket", "beyond the last bound", "no finite bound"],
)
def test_the_95th_percentile_is_prometheus_histogram_quantile(latency: tuple, expected: float | None) -> None:
    assert p95_ms(Counts(0, 0, latency)) == expected


def test_a_request_in_the_limits_own_bucket_is_not_surely_slower() -> None:
    latency = counts(100, slow=40).latency

    assert surely_slower(latency, 0.4) == 40
    assert surely_slower(latency, 0.5) == 40
    assert surely_slower(latency, 0.6) == 0


@given(readings(), st.floats(0, 1))
def test_a_quantile_lies_within_the_finite_bounds(reading: Counts, share: float) -> None:
    value = quantile(reading.latency, share)

    assert value is None or 0 <= value <= BOUNDS[-2]


@given(readings(), readings())
def test_a_difference_is_never_negative(before: Counts, after: Counts) -> None:
    change = delta(before, after)

    assert min(change.requests, change.errors, *(count for _, count in change.latency), 0) == 0


@given(samples(), st.randoms(use_true_random=False))
def test_order_and_repetition_of_samples_do_not_matter(looks: list, random) -> None:
    shuffled = looks + looks[::2]
    random.shuffle(shuffled)

    assert all(window(shuffled, arm, T0, at(60)) == window(looks, arm, T0, at(60)) for arm in Arm)


@given(samples())
def test_rebasing_changes_no_window(looks: list) -> None:
    rebased = rebase(looks, T0, at(60))

    assert all(window(rebased, arm, T0, at(60)) == window(looks, arm, T0, at(60)) for arm in Arm)
