"""The judge of a canary: samples in, one verdict with its reason out.

1. A verdict is a function of its arguments alone; the same samples in any order, or repeated, give the same verdict.
2. What is judged is what the canary served in the present step: each step earns its own way on.
3. Only proof rolls back: a gate fails when the share of requests that break it is above what the gate allows, surely
   (see `bounds`, which keeps its word however often the judge looks), and at least `MIN_EVIDENCE` requests say so.
4. Only evidence advances: the step's time is over, the canary served `min_requests` in it, the readings are fresh, and
   no gate's estimate is over its limit. No traffic and no readings are inconclusive, never a pass.
5. When the stable version breaks the same gate too, the fault is shared: hold, and never roll back for it, unless the
   canary is surely more than `SHARED_FACTOR` times as bad. The stable version's estimate is enough: in an outage the
   canary may be condemned before as much is known of the stable version, which then may have little traffic.
6. Waiting ends: after `inconclusive_after` (and not before the step's own time is over) the strategy's policy decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from chalicelib.rollouts.bounds import share_bounds
from chalicelib.rollouts.counts import Arm, Counts, Sample, Window, p95_ms, surely_slower, window

RULE_VERSION = "1"
"""Changes with every change that could change a verdict; it is stored with each."""
MIN_EVIDENCE = 10
"""Fewest requests that may condemn a release."""
SHARED_FACTOR = 2.0
"""How many times the stable version's share of bad requests the canary's must exceed for a fault not to be shared."""
STALE_INTERVALS = 3
"""After this many intervals without a reading of the canary, what was read before says nothing about now."""
SLOW_ALLOWED = 5.0
"""Percent of requests that may be slower than y when the 95th percentile is to stay within y: the two say the same."""


class Metric(StrEnum):
    """What a gate limits."""

    ERROR_RATE = "errorRate"
    LATENCY_P95 = "latencyP95"


class Outcome(StrEnum):
    """What one gate says. `shared`: broken, but by the stable version too."""

    PASS = "pass"  # noqa: S105 - no password: a gate's outcome
    SHARED = "shared"
    UNKNOWN = "unknown"
    FAIL = "fail"


class Decision(StrEnum):
    """What is to be done, from the mildest to the gravest: of several findings the gravest decides (`severity`)."""

    PROMOTE = "promote"
    ADVANCE = "advance"
    HOLD = "hold"
    INCONCLUSIVE = "inconclusive"
    ROLL_BACK = "rollBack"


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit: percent of requests answered 5xx, or milliseconds at the 95th percentile."""

    metric: Metric
    limit: float


@dataclass(frozen=True, slots=True)
class Step:
    """This percent of requests goes to the canary for at least so many seconds."""

    weight: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a release takes over. No gates: only time and `min_requests` decide. Times are in seconds."""

    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    min_requests: int = 20
    inconclusive_after: int = 600
    on_inconclusive: Literal["hold", "rollBack"] = "hold"
    interval: int = 5

    def while_paused(self) -> Strategy:
        """The strategy that judges a paused rollout: gates still roll back, the end of waiting does not."""
        return replace(self, on_inconclusive="hold")


@dataclass(frozen=True, slots=True)
class GateResult:
    """One gate judged. `canary` and `stable` are in the limit's unit, None when unknown; `allowed` and the bounds are
    percents of requests that break the gate: what it allows, and what the canary surely reaches and surely stays under."""

    metric: Metric
    limit: float
    canary: float | None
    stable: float | None
    allowed: float
    low: float
    high: float
    outcome: Outcome
    sentence: str


@dataclass(frozen=True, slots=True)
class Figures:
    """What one arm served in the step; `requests` is None when it was never read."""

    requests: int | None
    errors: int | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's answer; `reason` is one sentence with its numbers, for people. `needs_person`: waiting has lasted so
    long that someone should promote, abort, or see why nothing can be said."""

    decision: Decision
    reason: str
    gates: tuple[GateResult, ...]
    canary: Figures
    stable: Figures
    needs_person: bool = False
    rule_version: str = RULE_VERSION


Finding = tuple[Decision, str]


def severity(decision: str) -> int:
    """Where a decision stands in the one order of gravity; a decision that nobody knows is the gravest of all."""
    order = list(Decision)
    return order.index(Decision(decision)) if decision in order else len(order)


def judge(strategy: Strategy, step: int, step_started_at: datetime, samples: Iterable[Sample], now: datetime) -> Verdict:
    """Judge the step (from 0) that began at `step_started_at`, at the moment `now`.

    `samples` may be all of the rollout's or any of them; what counts is those of this step, from the newest reading that
    is not after its beginning (take one just before weights move). A step beyond the last is taken for the last.
    """
    samples = tuple(samples)
    canary = window(samples, Arm.CANARY, step_started_at, now)
    stable = window(samples, Arm.STABLE, step_started_at, now)
    gates = tuple(_judge_gate(gate, canary.counts, stable.counts) for gate in strategy.gates)
    elapsed = max(0.0, (now - step_started_at).total_seconds())
    findings = [*_of_evidence(strategy, canary, stable, now), *_of_gates(gates), *_of_time(strategy, step, elapsed, canary)]
    decision, reason = max(findings, key=lambda finding: severity(finding[0]))
    needs_person = False
    if decision in (Decision.HOLD, Decision.INCONCLUSIVE) and elapsed >= _patience(strategy, step):
        decision, reason = _end_of_patience(strategy, gates, reason, elapsed)
        needs_person = decision is Decision.HOLD
    return Verdict(decision, reason, gates, _figures(canary), _figures(stable), needs_person)


def step_of(strategy: Strategy, step: int) -> Step:
    """The step of that index; the last for one beyond it, and all at once for a strategy without steps."""
    return strategy.steps[max(0, min(step, len(strategy.steps) - 1))] if strategy.steps else Step(100, 0)


def _judge_gate(gate: Gate, canary: Counts | None, stable: Counts | None) -> GateResult:
    allowed = gate.limit if gate.metric is Metric.ERROR_RATE else SLOW_ALLOWED
    bad, total = _breaking(gate, canary)
    low, high = share_bounds(bad, total)
    stable_bad, stable_total = _breaking(gate, stable)
    stable_high = share_bounds(stable_bad, stable_total)[1]
    if total == 0:
        outcome = Outcome.UNKNOWN
    elif total < MIN_EVIDENCE or low * 100 <= allowed:
        outcome = Outcome.PASS
    elif stable_bad * 100 > allowed * stable_total and low <= SHARED_FACTOR * stable_high:
        outcome = Outcome.SHARED
    else:
        outcome = Outcome.FAIL
    value, other = _value(gate, canary), _value(gate, stable)
    sentence = _gate_sentence(gate, outcome, value, other, bad, total, low)
    return GateResult(gate.metric, gate.limit, value, other, allowed, low * 100, high * 100, outcome, sentence)


def _breaking(gate: Gate, counts: Counts | None) -> tuple[int, int]:
    """How many requests break the gate, of how many. A slow one counts only if it is surely slower than the limit."""
    if counts is None:
        return 0, 0
    if gate.metric is Metric.ERROR_RATE:
        return counts.errors, counts.requests
    return surely_slower(counts.latency, gate.limit / 1000), counts.latency[-1][1] if counts.latency else 0


def _value(gate: Gate, counts: Counts | None) -> float | None:
    if counts is None or counts.requests == 0:
        return None
    return counts.errors * 100 / counts.requests if gate.metric is Metric.ERROR_RATE else p95_ms(counts)


def _of_evidence(strategy: Strategy, canary: Window, stable: Window, now: datetime) -> list[Finding]:
    if canary.counts is None or canary.newest is None:
        return [(Decision.INCONCLUSIVE, "The canary's traffic could not be read in this step.")]
    if now - canary.newest > timedelta(seconds=STALE_INTERVALS * strategy.interval):
        age = (now - canary.newest).total_seconds()
        return [(Decision.INCONCLUSIVE, f"The canary's traffic was last read {age:.0f} s ago.")]
    if canary.counts.requests < strategy.min_requests:
        beside = f"; the stable version served {stable.counts.requests}" if stable.counts else ""
        served = f"The canary served {canary.counts.requests} of the {strategy.min_requests} requests that this step needs"
        return [(Decision.INCONCLUSIVE, f"{served}{beside}.")]
    return []


def _of_gates(gates: tuple[GateResult, ...]) -> list[Finding]:
    found = {Outcome.FAIL: Decision.ROLL_BACK, Outcome.SHARED: Decision.HOLD, Outcome.UNKNOWN: Decision.INCONCLUSIVE}
    findings = [(found[gate.outcome], gate.sentence) for gate in gates if gate.outcome in found]
    over = [gate for gate in gates if gate.outcome is Outcome.PASS and gate.canary is not None and gate.canary > gate.limit]
    return findings + [(Decision.HOLD, f"{gate.sentence} That is not yet certain.") for gate in over]


def _of_time(strategy: Strategy, step: int, elapsed: float, canary: Window) -> list[Finding]:
    here = step_of(strategy, step)
    served = _served(canary)
    if elapsed < here.seconds:
        return [(Decision.HOLD, f"{elapsed:.0f} s of {here.seconds} s at {here.weight} %: {served}.")]
    if step >= len(strategy.steps) - 1:
        return [(Decision.PROMOTE, f"The last step at {here.weight} % kept to every gate: {served}.")]
    return [(Decision.ADVANCE, f"The step at {here.weight} % kept to every gate: {served}.")]


def _patience(strategy: Strategy, step: int) -> int:
    return max(strategy.inconclusive_after, step_of(strategy, step).seconds)


def _end_of_patience(strategy: Strategy, gates: tuple[GateResult, ...], reason: str, elapsed: float) -> Finding:
    """Never a roll-back for a fault that is shared: the stable version would not be better."""
    shared = any(gate.outcome is Outcome.SHARED for gate in gates)
    if strategy.on_inconclusive == "rollBack" and not shared:
        return Decision.ROLL_BACK, f"Nothing certain after {elapsed:.0f} s, so the strategy rolls back. {reason}"
    return Decision.HOLD, f"Nothing certain after {elapsed:.0f} s: waiting for a person. {reason}"


def _figures(arm: Window) -> Figures:
    counts = arm.counts
    return Figures(counts.requests, counts.errors, p95_ms(counts)) if counts else Figures(None, None, None)


def _served(arm: Window) -> str:
    figures = _figures(arm)
    p95 = "" if figures.p95_ms is None else f", 95 % within {figures.p95_ms:.0f} ms"
    return f"{figures.errors or 0} of {figures.requests or 0} requests failed{p95}"


def _gate_sentence(
    gate: Gate, outcome: Outcome, value: float | None, other: float | None, bad: int, total: int, low: float
) -> str:
    errors = gate.metric is Metric.ERROR_RATE
    if outcome is Outcome.UNKNOWN:
        return f"The canary's {'error rate' if errors else 'latency'} is not known: nothing was measured."
    rate = f"{bad} of {total} requests failed" if errors else f"{bad} of {total} requests were slower than {gate.limit:g} ms"
    at = "" if value is None else f" ({_shown(gate, value)})"
    beside = "" if other is None else f", stable {_shown(gate, other)}"
    limit = f"the limit is {gate.limit:g} %" if errors else f"at most {SLOW_ALLOWED:g} % may be"
    tail = {
        Outcome.FAIL: f", surely more than {low * 100:.1f} %",
        Outcome.SHARED: ", and the stable version breaks the gate too, so the cause is not this release",
    }.get(outcome, "")
    return f"On the canary {rate}{at}{tail}; {limit}{beside}."


def _shown(gate: Gate, value: float) -> str:
    return f"{value:.1f} %" if gate.metric is Metric.ERROR_RATE else f"95 % within {value:.0f} ms"
