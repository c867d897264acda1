"""Cygni's judge before a stream, as its rollout would ask it: at each look, of the samples seen until then."""

from __future__ import annotations

from datetime import timedelta

from bench.judged.outcome import HELD, PROMOTED, ROLLED_BACK, Outcome
from bench.judged.streams import BEGIN, INTERVAL, Stream, World
from chalicelib.rollouts.blocks import ends
from chalicelib.rollouts.counts import rebase
from chalicelib.rollouts.gates import Gate, Metric
from chalicelib.rollouts.rules import Decision, Step, Strategy, judge_counted

GATES = (
    Gate(Metric.ERROR_RATE, 5.0),
    Gate(Metric.LATENCY_P95, 400.0),
    Gate(Metric.ERROR_RATE_INCREASE, 0.25),
    Gate(Metric.LATENCY_P95_INCREASE, 50.0),
)
"""The first three with the defaults of the app file, but for a limit on latency that suits the traffic; and the fourth."""


def strategy_of(world: World) -> Strategy:
    """The strategy that a world's rollout has."""
    steps = tuple(Step(weight, seconds) for weight, seconds in world.steps)
    return Strategy(steps, GATES, interval=INTERVAL, inconclusive_after=7200)


def cygni(world: World, stream: Stream) -> Outcome:
    """What becomes of the rollout.

    Weights move by the clock, as for all judges, so that all see the same traffic: a step that the judge would hold goes on
    all the same, but a rollout whose last step it would hold is not promoted. Looks that end no block cannot roll back, and
    are left out.
    """
    strategy, passed, decision = strategy_of(world), 0.0, Decision.HOLD
    for number, (samples, (_, seconds)) in enumerate(zip(stream.steps, world.steps, strict=True)):
        began, end = BEGIN + timedelta(seconds=passed), BEGIN + timedelta(seconds=passed + seconds)
        counted = rebase(samples, began, end)
        marks = {id(sample) for both in (False, True) for sample in ends(counted, began, INTERVAL, both=both)}
        for index, sample in enumerate(counted):
            if id(sample) in marks or index == len(counted) - 1:
                verdict = judge_counted(strategy, number, began, counted[: index + 1], sample.at)
                decision = verdict.decision
                if decision is Decision.ROLL_BACK:
                    return Outcome(ROLLED_BACK, (sample.at - BEGIN).total_seconds(), verdict.reason)
        passed += seconds
    return Outcome(PROMOTED if decision is Decision.PROMOTE else HELD)
