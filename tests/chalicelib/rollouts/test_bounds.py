"""How sure one can be of a share, looked at again and again."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.bounds import ERROR, share_bounds


def test_nothing_is_known_of_no_requests() -> None:
    assert share_bounds(0, 0) == (0.0, 1.0)


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


def test_a_share_at_the_limit_itself_is_seldom_condemned_at_any_of_hundreds_of_looks() -> None:
    random, limit, streams = Random(20260301), 0.05, 400

    def condemned() -> bool:
        bad = 0
        for total in range(10, 3010, 10):
            bad += sum(random.random() < limit for _ in range(10))
            if bad > limit * total and share_bounds(bad, total)[0] > limit:
                return True
        return False

    assert sum(condemned() for _ in range(streams)) <= streams * ERROR + 3
