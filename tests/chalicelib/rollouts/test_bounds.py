"""How sure one can be of a share, looked at again and again."""

from __future__ import annotations

import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.bounds import quantile_bounds, share_bounds
from tests.chalicelib.rollouts.builders import counts


def test_nothing_is_known_of_no_requests() -> None:
    assert share_bounds(0, 0) == (0.0, 1.0)
    assert quantile_bounds((), 0.95) == (0.0, math.inf)


def test_a_share_of_none_or_all_is_bounded_on_the_other_side_only() -> None:
    assert share_bounds(0, 1000) == (0.0, pytest.approx(0.01, abs=0.01))
    assert share_bounds(1000, 1000) == (pytest.approx(0.99, abs=0.02), 1.0)


def test_bounds_close_in_as_evidence_grows() -> None:
    widths = [high - low for low, high in (share_bounds(n // 5, n) for n in (10, 100, 1000, 10_000))]

    assert widths == sorted(widths, reverse=True)
    assert widths[-1] < 0.04


@given(st.integers(1, 5000), st.data())
def test_the_estimate_lies_within_its_bounds(total: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, total))
    low, high = share_bounds(bad, total)

    assert 0 <= low <= bad / total <= high <= 1


@given(st.integers(1, 2000), st.data())
def test_one_more_bad_request_never_lowers_a_bound(total: int, data: st.DataObject) -> None:
    bad = data.draw(st.integers(0, total - 1))
    fewer, more = share_bounds(bad, total), share_bounds(bad + 1, total)

    assert fewer[0] <= more[0]
    assert fewer[1] <= more[1]


@given(st.integers(1, 2000), st.data(), st.floats(1.01, 50))
def test_a_spread_and_a_smaller_error_widen_the_bounds(total: int, data: st.DataObject, spread: float) -> None:
    bad = data.draw(st.integers(0, total))
    low, high = share_bounds(bad, total)

    for wider in (share_bounds(bad, total, spread=spread), share_bounds(bad, total, 0.001)):
        assert wider[0] <= low
        assert wider[1] >= high


@given(st.integers(1, 500), st.data())
def test_a_quantile_is_bounded_where_the_share_of_slower_requests_is(total: int, data: st.DataObject) -> None:
    slow = data.draw(st.integers(0, total))
    low, high = quantile_bounds(counts(total, slow=slow).latency, 0.95)
    share = share_bounds(slow, total)

    assert (low >= 0.5) == (share[0] > 0.05)
    assert (high <= 0.1) == (share[1] < 0.05)


def test_a_share_is_seldom_outside_its_bounds_at_any_of_hundreds_of_looks() -> None:
    random, share, streams, error = Random(20260301), 0.05, 150, 0.05

    def missed() -> bool:
        bad = 0
        for total in range(10, 1010, 10):
            bad += sum(random.random() < share for _ in range(10))
            low, high = share_bounds(bad, total, error)
            if not low <= share <= high:
                return True
        return False

    assert sum(missed() for _ in range(streams)) <= streams * error
