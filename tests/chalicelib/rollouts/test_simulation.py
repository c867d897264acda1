"""The judge before simulated traffic, with a fixed seed: how often it cries wolf, and how soon it sees one.

The figures that `docs/rollouts.md` quotes are printed by `python -m tests.chalicelib.rollouts.test_simulation`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from random import Random
from statistics import median

import pytest

from chalicelib.rollouts.counts import Counts
from chalicelib.rollouts.rules import Decision, Step, judge
from tests.chalicelib.rollouts.builders import STRATEGY, T0, at, sample

BOUNDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, math.inf)
ENDLESS = replace(STRATEGY, steps=(Step(20, 10**6),), inconclusive_after=10**6, interval=1)
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
    base = sample(0, Counts(0, 0, tuple((b, 0) for b in BOUNDS)), Counts(0, 0, tuple((b, 0) for b in BOUNDS)))
    for second in range(1, looks + 1):
        look = sample(second, arms[0].second(), arms[1].second())
        if judge(ENDLESS, 0, T0, (base, look), at(second)).decision is Decision.ROLL_BACK:
            return second
    return None


def outcomes(runs: int, canary: Arm, stable: Arm = (40, 0.0, FAST), looks: int = 60) -> list[int | None]:
    return [seconds_to_rollback(seed, canary, stable, looks) for seed in range(runs)]


def caught(times: list[int | None]) -> list[int]:
    return sorted(time for time in times if time is not None)


@pytest.mark.parametrize("failing", [0.0, 0.01, 0.025], ids=["none", "1 %", "half the limit"])
def test_a_healthy_canary_looked_at_hundreds_of_times_is_left_alone(failing: float) -> None:
    assert caught(outcomes(20, (10, failing, FAST), (10, 0.0, FAST), looks=300)) == []


def test_a_canary_that_fails_one_in_five_is_caught_within_seconds() -> None:
    times = outcomes(100, (10, 0.2, FAST))

    assert len(caught(times)) == 100
    assert median(caught(times)) <= 7
    assert caught(times)[94] <= 15


def test_a_slow_canary_is_caught_within_seconds() -> None:
    assert caught(outcomes(20, (10, 0.0, (0.6, 0.9)), looks=10))[-1] <= 2


def test_an_outage_of_both_versions_is_not_blamed_on_the_canary() -> None:
    assert caught(outcomes(40, (10, 0.2, FAST), (40, 0.2, FAST))) == []


def _print_figures() -> None:
    rows: list[tuple[str, Callable[[], list[int | None]]]] = [
        ("canary 10/s, 20 % fail", lambda: outcomes(1000, (10, 0.2, FAST))),
        ("canary 10/s, 10 % fail", lambda: outcomes(500, (10, 0.1, FAST), looks=300)),
        ("canary 10/s, 600-900 ms", lambda: outcomes(500, (10, 0.0, (0.6, 0.9)))),
        ("canary 10/s, 2.5 % fail, 300 looks", lambda: outcomes(500, (10, 0.025, FAST), (10, 0.0, FAST), looks=300)),
        ("canary 10/s, 5 % fail (the limit), 300 looks", lambda: outcomes(500, (10, 0.05, FAST), (10, 0.0, FAST), looks=300)),
        ("both 20 % fail, 10/s against 40/s", lambda: outcomes(500, (10, 0.2, FAST), (40, 0.2, FAST))),
        ("both 20 % fail, 25/s against 25/s", lambda: outcomes(500, (25, 0.2, FAST), (25, 0.2, FAST))),
        ("both 20 % fail, 40/s against 10/s", lambda: outcomes(500, (40, 0.2, FAST), (10, 0.2, FAST))),
    ]
    for name, run in rows:
        times = run()
        found = caught(times)
        when = f"median {median(found):g} s, 95 % within {found[int(len(found) * 0.95)]} s" if found else "-"
        print(f"{name}: rolled back {len(found)} of {len(times)}; {when}")


if __name__ == "__main__":
    _print_figures()
