"""How a custom gate is judged: by its newest measurements.

How such a value varies is not known, so that no promise is made of how often it misleads. One look over the limit holds the
release; `LOOKS` in a row condemn it; a value that is missing, or too old, says nothing and lets nothing on.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.rollouts.counts import Sample
from chalicelib.rollouts.gates import Custom, Gate, GateResult, Outcome
from chalicelib.rollouts.sentences import custom_sentence

LOOKS = 3
"""Looks in a row at which the measurement must be over its limit."""


def judge_custom(gate: Gate, custom: Custom, recent: tuple[Sample, ...], now: datetime, stale: timedelta) -> GateResult:
    """Judge a custom gate by the newest samples, in order; a value older than `stale` is none."""
    found = [(sample.at, each) for sample in recent for each in sample.values if each.name == custom.name]
    values = [(at, each.value) for at, each in found if each.value is not None]
    note = found[-1][1].note if found else ""
    fresh = bool(values) and now - values[-1][0] <= stale
    over = 0
    for _, measured in reversed(values):
        if keeps(custom, measured, gate.limit):
            break
        over += 1
    outcome = Outcome.UNKNOWN if not fresh else Outcome.FAIL if over >= LOOKS else Outcome.PASS
    value = values[-1][1] if fresh else None
    return GateResult(
        metric=gate.metric,
        limit=gate.limit,
        canary=value,
        stable=None,
        allowed=0.0,
        low=0.0,
        high=0.0,
        outcome=outcome,
        sentence=custom_sentence(gate, custom, value, over, note),
        name=gate.name,
        weight=gate.weight,
        doubtful=outcome is Outcome.PASS and over > 0,
        within=fresh and over == 0,
    )


def keeps(custom: Custom, value: float, limit: float) -> bool:
    """Whether a measurement is within its limit."""
    return value <= limit if custom.bound == "max" else value >= limit
