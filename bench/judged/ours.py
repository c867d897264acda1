"""Cygni's judge before a stream, as its rollout would ask it: at each look, of the samples seen until then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from bench.judged.outcome import HELD, PROMOTED, ROLLED_BACK, Outcome
from bench.judged.streams import BEGIN, INTERVAL, Stream, World
from chalicelib.rollouts.blocks import ends
from chalicelib.rollouts.counts import rebase
from chalicelib.rollouts.evidence import Evidence, spreads_shown
from chalicelib.rollouts.gates import Gate, Metric
from chalicelib.rollouts.rules import Decision, Spreads, Step, Strategy, Verdict, judge_counted

GATES = (
    Gate(Metric.ERROR_RATE, 5.0),
    Gate(Metric.LATENCY_P95, 400.0),
    Gate(Metric.ERROR_RATE_INCREASE, 0.25),
    Gate(Metric.LATENCY_P95_INCREASE, 50.0),
)
"""The first three with the defaults of the app file, but for a limit on latency that suits the traffic; and the fourth."""
SLICE = 60
"""Looks after which a task of ours ends, and the next one goes on from what was stored: those of five minutes."""

Look = tuple[float, Verdict]
"""When it was taken, in seconds since the rollout began, and what the judge said."""


def strategy_of(world: World) -> Strategy:
    """The strategy that a world's rollout has."""
    steps = tuple(Step(weight, seconds) for weight, seconds in world.steps)
    return Strategy(steps, GATES, interval=INTERVAL, inconclusive_after=7200)


def cygni(world: World, stream: Stream) -> Outcome:
    """What becomes of the rollout.

    Weights move by the clock, as for all judges, so that all see the same traffic: a step that the judge would hold goes on
    all the same, but a rollout whose last step it would hold is not promoted.
    """
    decision = Decision.HOLD
    for seconds, verdict in as_they_come(world, stream) if world.late else in_order(world, stream):
        decision = verdict.decision
        if decision is Decision.ROLL_BACK:
            return Outcome(ROLLED_BACK, seconds, verdict.reason)
    return Outcome(PROMOTED if decision is Decision.PROMOTE else HELD)


def in_order(world: World, stream: Stream) -> Iterator[Look]:
    """The verdicts where every look comes when it is taken. Looks that end no block cannot roll back, and are left out."""
    strategy, passed, known = strategy_of(world), 0.0, Spreads()
    for number, (samples, (_, lasts)) in enumerate(zip(stream.steps, world.steps, strict=True)):
        began, end = BEGIN + timedelta(seconds=passed), BEGIN + timedelta(seconds=passed + lasts)
        counted = rebase(samples, began, end)
        marks = {id(sample) for both in (False, True) for sample in ends(counted, began, INTERVAL, both=both)}
        for index, sample in enumerate(counted):
            if id(sample) in marks or index == len(counted) - 1:
                verdict = judge_counted(strategy, number, began, counted[: index + 1], sample.at, known)
                yield (sample.at - BEGIN).total_seconds(), verdict
        known = spreads_shown(verdict)
        passed += lasts


def as_they_come(world: World, stream: Stream) -> Iterator[Look]:
    """The verdicts at each arrival, where looks come late and twice: through the evidence, as a rollout's tasks store it."""
    strategy, passed = strategy_of(world), 0.0
    before: Evidence | None = None
    for number, (samples, arrived) in enumerate(zip(stream.steps, stream.arrived, strict=True)):
        began, fresh, judged = BEGIN + timedelta(seconds=passed), [samples[0]], before
        end = passed + world.steps[number][1]
        for seconds, place in (*arrived[1:], (end, 0)):  # and a last look when the step is over
            fresh.append(samples[place])
            judged = Evidence.of("bench", strategy, number, began, fresh, BEGIN + timedelta(seconds=seconds), before=before)
            yield seconds, judged.verdict
            if len(fresh) >= SLICE:
                before, fresh = judged, []
        before, passed = judged, end
