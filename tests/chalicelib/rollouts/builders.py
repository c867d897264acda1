"""Short ways to say what was measured."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from chalicelib.rollouts.counts import Counts, Sample
from chalicelib.rollouts.rules import Gate, Metric, Step, Strategy, Verdict, judge

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOUNDS = (0.1, 0.25, 0.4, 0.5, 0.75, 1.0, math.inf)
ERRORS = Gate(Metric.ERROR_RATE, 5.0)
LATENCY = Gate(Metric.LATENCY_P95, 400.0)
STRATEGY = Strategy(steps=(Step(20, 30), Step(50, 30)), gates=(ERRORS, LATENCY), min_requests=20, inconclusive_after=600)


def at(seconds: float) -> datetime:
    """So many seconds after the step began."""
    return T0 + timedelta(seconds=seconds)


def counts(requests: int, errors: int = 0, *, slow: int = 0) -> Counts:
    """So many requests, of which `slow` took between 0.5 and 0.75 s and the others less than 0.1 s."""
    return Counts(requests, errors, tuple((bound, requests if bound >= 0.75 else requests - slow) for bound in BOUNDS))


def sample(seconds: float, canary: Counts | None, stable: Counts | None = None, *, weight: int = 20) -> Sample:
    """A look at the traffic so many seconds after the step began."""
    return Sample(at(seconds), weight, canary, stable)


def verdict(
    canary: Counts | None, stable: Counts | None = None, *, after: float = 30, step: int = 0, strategy: Strategy = STRATEGY
) -> Verdict:
    """The verdict on a step in which this was served, `after` so many seconds of it."""
    samples = (sample(0, counts(0), counts(0)), sample(after, canary, stable))
    return judge(strategy, step, T0, samples, at(after))


@st.composite
def readings(draw: st.DrawFn) -> Counts:
    """Any reading whose parts agree."""
    buckets = draw(st.lists(st.integers(0, 40), min_size=len(BOUNDS), max_size=len(BOUNDS)))
    totals = [sum(buckets[: index + 1]) for index in range(len(buckets))]
    measured = draw(st.booleans())
    latency = tuple(zip(BOUNDS, totals, strict=True)) if measured else ()
    return Counts(totals[-1], draw(st.integers(0, totals[-1])), latency)


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    """Any samples: readings may be missing, fall, repeat, and come in any order, before, in and after the step."""
    looks = draw(st.lists(st.tuples(st.integers(-20, 80), st.none() | readings(), st.none() | readings()), max_size=12))
    return [sample(seconds, canary, stable) for seconds, canary, stable in looks]


@st.composite
def strategies(draw: st.DrawFn) -> Strategy:
    """Any strategy that the app file can ask for."""
    weights = sorted(draw(st.sets(st.integers(1, 99), max_size=4)))
    gates = draw(st.lists(st.sampled_from([ERRORS, LATENCY, Gate(Metric.ERROR_RATE, 0.0)]), max_size=2, unique=True))
    return Strategy(
        steps=tuple(Step(weight, draw(st.integers(1, 60))) for weight in weights),
        gates=tuple(gates),
        min_requests=draw(st.integers(1, 100)),
        inconclusive_after=draw(st.integers(1, 90)),
        on_inconclusive=draw(st.sampled_from(["hold", "rollBack"])),
        interval=draw(st.integers(1, 20)),
    )
