"""How much more than by chance bad requests vary."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.dispersion import MIN_PODS, between_blocks, between_pods
from chalicelib.rollouts.evalues import Trials


def drawn(random: Random, total: int, share: float) -> Trials:
    return Trials(sum(random.random() < share for _ in range(total)), total)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=20))
def test_a_spread_is_never_below_one(blocks: list[tuple[int, int]]) -> None:
    trials = [Trials(min(pair), max(pair)) for pair in blocks]

    assert between_blocks(trials) >= 1
    assert between_pods(trials) >= 1


@pytest.mark.parametrize("share", [0.005, 0.05, 0.3])
def test_independent_requests_have_a_spread_near_one(share: float) -> None:
    random = Random(5)
    found = sorted(between_blocks([drawn(random, 100, share) for _ in range(60)]) for _ in range(40))

    assert found[20] < 1.15
    assert found[38] < 1.6


def test_errors_in_bursts_have_a_spread_of_about_their_number() -> None:
    random = Random(6)
    blocks = [Trials(10 * (random.random() < 0.2), 200) for _ in range(120)]

    assert 5 < between_blocks(blocks) < 15


def test_a_fault_that_begins_at_once_is_no_spread() -> None:
    random = Random(7)
    blocks = [drawn(random, 200, 0.005) for _ in range(20)] + [drawn(random, 200, 0.4) for _ in range(20)]

    assert between_blocks(blocks) < 1.6


def test_a_share_that_drifts_is_no_spread() -> None:
    random = Random(8)
    blocks = [drawn(random, 100, 0.01 + 0.4 * block / 60) for block in range(60)]

    assert between_blocks(blocks) < 1.6


def test_one_bad_pod_of_many_is_a_great_spread() -> None:
    pods = [Trials(0, 100)] * 9

    assert between_pods([*pods, Trials(30, 100)]) > 10
    assert between_pods([Trials(3, 100)] * 10) == 1.0


def test_one_bad_pod_of_few_may_be_the_release() -> None:
    assert between_pods([Trials(0, 100)] * (MIN_PODS - 2) + [Trials(40, 100)]) == 1.0


def test_pods_without_requests_say_nothing() -> None:
    assert between_pods([Trials(30, 100), *[Trials(0, 0)] * 9]) == 1.0


@pytest.mark.parametrize("blocks", [[], [Trials(1, 9)], [Trials(0, 9)] * 5, [Trials(9, 9)] * 5, [Trials(0, 0)] * 5])
def test_what_cannot_vary_has_no_spread(blocks: list[Trials]) -> None:
    assert between_blocks(blocks) == 1.0


def test_what_earlier_steps_showed_is_believed_until_this_one_shows_otherwise() -> None:
    random = Random(9)
    even = [drawn(random, 200, 0.05) for _ in range(80)]

    assert between_blocks([], 8.0) == 8.0
    assert 4 < between_blocks(even[:10], 8.0) < 8
    assert between_blocks(even, 8.0) < 2.5
