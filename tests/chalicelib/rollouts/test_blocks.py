"""The blocks of time that a step is judged in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.blocks import block_of, ends, lengths, thinned
from chalicelib.rollouts.counts import Sample, rebase
from tests.chalicelib.rollouts.builders import T0, at, counts, sample, samples


def test_early_blocks_are_as_long_as_the_interval_and_later_ones_longer() -> None:
    begins = {block_of(age, 5): age for age in range(3600, -1, -1)}

    assert [begins[block] for block in (0, 1, 63, 64, 65, 96)] == [0, 5, 315, 320, 330, 640]


@given(st.floats(0, 1e7), st.floats(0, 1e7), st.integers(1, 3600))
def test_blocks_follow_each_other(one: float, other: float, interval: int) -> None:
    assert block_of(min(one, other), interval) <= block_of(max(one, other), interval)
    assert block_of(-0.1, interval) == -1


def test_there_are_few_blocks_in_a_long_step() -> None:
    assert block_of(24 * 3600, 5) < 330
    assert block_of(30 * 24 * 3600, 1) < 600


def test_a_block_ends_with_its_first_sample_and_reaches_back_to_the_one_before() -> None:
    looks = [sample(second, counts(second)) for second in (0, 4, 6, 9, 21, 22)]
    marks = ends(looks, T0, 5, both=False)

    assert [mark.at for mark in marks] == [at(0), at(6), at(21)]
    assert lengths(marks) == [6, 15]


def test_a_look_at_one_version_alone_ends_no_block_of_both() -> None:
    looks = [
        sample(0, counts(0), counts(0)),
        sample(5, counts(9), None),
        sample(10, None, counts(9)),
        sample(16, *[counts(20)] * 2),
    ]

    assert [mark.at for mark in ends(looks, T0, 5, both=True)] == [at(0), at(16)]
    assert [mark.at for mark in ends(looks, T0, 5, both=False)] == [at(0), at(5), at(16)]


@pytest.mark.slow
@given(samples(), st.integers(1, 20), st.integers(0, 120))
def test_what_is_thinned_has_the_same_blocks_and_stays_as_it_is(looks: list[Sample], interval: int, now: int) -> None:
    whole = rebase(looks, T0, at(now))
    kept = thinned(whole, T0, interval)

    assert [ends(kept, T0, interval, both=both) for both in (False, True)] == [
        ends(whole, T0, interval, both=both) for both in (False, True)
    ]
    assert thinned(kept, T0, interval) == kept
    assert kept[-5:] == whole[-5:]
