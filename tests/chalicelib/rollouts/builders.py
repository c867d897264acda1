"""Short ways to say what was measured."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from chalicelib.rollouts.counts import Counts, Measurement, Sample
from chalicelib.rollouts.gates import Custom, Gate, Metric, Weight
from chalicelib.rollouts.rules import Step, Strategy, Verdict, judge

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOUNDS = (0.1, 0.25, 0.4, 0.5, 0.75, 1.0, math.inf)
ERRORS = Gate(Metric.ERROR_RATE, 5.0)
LATENCY = Gate(Metric.LATENCY_P95, 400.0)
MORE_ERRORS = Gate(Metric.ERROR_RATE_INCREASE, 0.25)
SLOWER = Gate(Metric.LATENCY_P95_INCREASE, 50.0)
DEPTH = Gate(Metric.CUSTOM, 100.0, Weight.CRITICAL, Custom("depth", "query", "max(depth)", "max"))
SMOKE = Gate(Metric.CUSTOM, 1.0, Weight.ADVISORY, Custom("smoke", "webhook", "https://example.com/smoke", "min"))
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


def part(counts: Counts | None, share: int, whole: int) -> Counts | None:
    """`share` parts of `whole` of what was counted."""
    if counts is None:
        return None
    latency = tuple((bound, count * share // whole) for bound, count in counts.latency)
    pods = tuple((name, requests * share // whole, errors * share // whole) for name, requests, errors in counts.pods)
    return Counts(counts.requests * share // whole, counts.errors * share // whole, latency, pods)


def steady(canary: Counts | None, stable: Counts | None, after: float, *, looks: int = 10, weight: int = 20) -> list[Sample]:
    """Looks at a step in which this was served, evenly, until `after` so many seconds."""
    return [
        sample(after * look / looks, part(canary, look, looks), part(stable, look, looks), weight=weight)
        for look in range(looks + 1)
    ]


def verdict(
    canary: Counts | None, stable: Counts | None = None, *, after: float = 30, step: int = 0, strategy: Strategy = STRATEGY
) -> Verdict:
    """The verdict on a step in which this was served, evenly, `after` so many seconds of it."""
    return judge(strategy, step, T0, steady(canary, stable, after), at(after))


def measured(value: float | None) -> tuple[Measurement, ...]:
    """What the custom gate `depth` measured."""
    return (Measurement("depth", value, "" if value is not None else "status 503"),)


@st.composite
def readings(draw: st.DrawFn) -> Counts:
    """Any reading whose parts agree."""
    buckets = draw(st.lists(st.integers(0, 40), min_size=len(BOUNDS), max_size=len(BOUNDS)))
    totals = [sum(buckets[: index + 1]) for index in range(len(buckets))]
    measured = draw(st.booleans())
    latency = tuple(zip(BOUNDS, totals, strict=True)) if measured else ()
    errors = draw(st.integers(0, totals[-1]))
    pods = draw(st.sampled_from([(), (("a", totals[-1], errors),), (("a", 1, 0), ("b", totals[-1], 1))]))
    return Counts(totals[-1], errors, latency, pods)


@st.composite
def samples(draw: st.DrawFn) -> list[Sample]:
    """Any samples: readings may be missing, fall, repeat, and come in any order, before, in and after the step."""
    values = st.sampled_from([(), measured(50.0), (*measured(120.0), Measurement("smoke", 0.0, "no")), measured(None)])
    looks = draw(st.lists(st.tuples(st.integers(-20, 80), st.none() | readings(), st.none() | readings(), values), max_size=12))
    return [replace(sample(seconds, canary, stable), values=measured) for seconds, canary, stable, measured in looks]


@st.composite
def strategies(draw: st.DrawFn) -> Strategy:
    """Any strategy that the app file can ask for."""
    weights = sorted(draw(st.sets(st.integers(1, 99), max_size=4)))
    known = [ERRORS, LATENCY, MORE_ERRORS, SLOWER, DEPTH, SMOKE, Gate(Metric.ERROR_RATE, 0.0), Gate(Metric.ERROR_RATE, 100.0)]
    gates = draw(st.lists(st.sampled_from(known), max_size=4, unique_by=lambda gate: gate.name))
    return Strategy(
        steps=tuple(Step(weight, draw(st.integers(1, 60))) for weight in weights),
        gates=tuple(gates),
        min_requests=draw(st.integers(1, 100)),
        inconclusive_after=draw(st.integers(1, 90)),
        on_inconclusive=draw(st.sampled_from(["hold", "rollBack"])),
        interval=draw(st.integers(1, 20)),
        alpha=draw(st.sampled_from([0.001, 0.01, 0.2])),
        advance_on=draw(st.sampled_from(["time", "evidence"])),
    )
