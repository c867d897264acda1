"""The judge before simulated traffic, with fixed seeds: how often it cries wolf, and how soon it sees one.

`bench/judge.py` has the whole corpus, the peers and the figures that `docs/rollouts.md` quotes; here are the cases that
every run of the tests must see.
"""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random
from statistics import median

import pytest

from chalicelib.rollouts.counts import Counts, Sample
from chalicelib.rollouts.rules import Decision, Step, judge
from tests.chalicelib.rollouts.builders import MORE_ERRORS, SLOWER, STRATEGY, T0, at, sample

BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, math.inf)
GATES = (*STRATEGY.gates, MORE_ERRORS, SLOWER)
ENDLESS = replace(STRATEGY, steps=(Step(20, 10**6),), gates=GATES, inconclusive_after=10**6, interval=1)
FAST = (0.02, 0.2)
Arm = tuple[float, float, tuple[float, float]]
"""Requests a second, share that fails, and the range of latency in seconds."""


class Traffic:
    """One arm's counters as its gateway would show them."""

    def __init__(self, random: Random, arm: Arm) -> None:
        self.random, self.arm = random, arm
        self.requests, self.errors, self.buckets = 0, 0, [0] * len(BOUNDS)

    def second(self) -> Counts:
        rate, failing, latency = self.arm
        for _ in range(int(rate)):
            self.requests += 1
            self.errors += self.random.random() < failing
            took = self.random.uniform(*latency)
            self.buckets[next(i for i, bound in enumerate(BOUNDS) if took <= bound)] += 1
        totals = [sum(self.buckets[: i + 1]) for i in range(len(BOUNDS))]
        return Counts(self.requests, self.errors, tuple(zip(BOUNDS, totals, strict=True)))


def seconds_to_rollback(seed: int, canary: Arm, stable: Arm, looks: int) -> int | None:
    """When a canary that is looked at every second is rolled back; None if it never is."""
    random = Random(seed)
    arms = Traffic(random, canary), Traffic(random, stable)
    nothing = Counts(0, 0, tuple((bound, 0) for bound in BOUNDS))
    seen: list[Sample] = [sample(0, nothing, nothing)]
    for second in range(1, looks + 1):
        seen.append(sample(second, arms[0].second(), arms[1].second()))
        if judge(ENDLESS, 0, T0, seen, at(second)).decision is Decision.ROLL_BACK:
            return second
    return None


def outcomes(runs: int, canary: Arm, stable: Arm = (40, 0.0, FAST), looks: int = 60) -> list[int | None]:
    return [seconds_to_rollback(seed, canary, stable, looks) for seed in range(runs)]


def caught(times: list[int | None]) -> list[int]:
    return sorted(time for time in times if time is not None)


@pytest.mark.parametrize("failing", [0.0, 0.01, 0.025], ids=["none", "1 %", "half the limit"])
def test_a_healthy_canary_looked_at_at_every_second_is_left_alone(failing: float) -> None:
    assert caught(outcomes(4, (10, failing, FAST), (10, failing, FAST), looks=100)) == []


def test_a_canary_that_fails_one_in_five_is_caught_within_seconds() -> None:
    times = outcomes(60, (10, 0.2, FAST))

    assert len(caught(times)) == 60
    assert median(caught(times)) <= 6
    assert caught(times)[56] <= 10


def test_a_slow_canary_is_caught_within_seconds() -> None:
    assert caught(outcomes(10, (10, 0.0, (0.6, 0.9)), looks=10))[-1] <= 4


@pytest.mark.parametrize("split", [(10, 40), (25, 25), (40, 10)], ids=["20 %", "50 %", "80 %"])
def test_an_outage_of_both_versions_is_not_blamed_on_the_canary(split: tuple[int, int]) -> None:
    here, there = split
    assert caught(outcomes(8, (here, 0.2, FAST), (there, 0.2, FAST))) == []
