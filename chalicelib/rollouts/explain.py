"""What a step looked like to its judge: both versions sample by sample, with their bands, and the sample that decided."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.rollouts.bounds import quantile_bounds, share_bounds
from chalicelib.rollouts.counts import Counts, p95_ms
from chalicelib.rollouts.evidence import Evidence
from chalicelib.rollouts.gates import GateResult, Metric, Outcome, Weight
from chalicelib.rollouts.rules import Decision, judge_counted


@dataclass(frozen=True, slots=True)
class ArmPoint:
    """One version's traffic since the step began: percent that failed and milliseconds at the 95th percentile.

    Each with the band that holds it, with 99 % confidence at all points at once; `p95_high` is None without a bound. The
    canary's are as much wider as the verdict says that its bad requests vary more than by chance.
    """

    requests: int
    errors: int
    error_rate: float | None
    error_low: float
    error_high: float
    p95: float | None
    p95_low: float
    p95_high: float | None


@dataclass(frozen=True, slots=True)
class Point:
    """One sample. An arm is None where its reading was missing."""

    at: datetime
    weight: int
    canary: ArmPoint | None
    stable: ArmPoint | None


@dataclass(frozen=True, slots=True)
class StepExplained:
    """One step, by its newest analysis.

    `decided` is the index of the point whose sample brought the verdict; None while nothing is decided, or where time alone
    did. `gate` is the name of the gate that rolled back, where one did.
    """

    evidence: Evidence
    points: tuple[Point, ...]
    decided: int | None
    gate: str | None


def explain(records: Iterable[Evidence]) -> tuple[StepExplained, ...]:
    """The steps that a deployment's analyses, oldest first, are of; a step that was begun anew is one step more."""
    newest = {record.step_started_at: record for record in records}
    return tuple(_explained(record) for record in newest.values())


def _explained(record: Evidence) -> StepExplained:
    errors, slow = _spread(record.verdict.gates, of_errors=True), _spread(record.verdict.gates, of_errors=False)
    points = tuple(
        Point(sample.at, sample.weight, _arm(sample.canary, errors, slow), _arm(sample.stable))
        for sample in record.samples
        if sample.canary is not None or sample.stable is not None
    )
    broken = _broken(record.verdict.gates) if record.verdict.decision is Decision.ROLL_BACK else None
    return StepExplained(record, points, _decided(record, points), broken)


def _decided(record: Evidence, points: tuple[Point, ...]) -> int | None:
    """The first of the newest points from which on the judge decided as it did."""
    verdict = record.verdict
    if verdict.decision in (Decision.HOLD, Decision.INCONCLUSIVE):
        return None
    found = None
    for index in range(len(points) - 1, -1, -1):
        at = points[index].at
        now = record.at if found is None else at
        known = [sample for sample in record.samples if sample.at <= at]
        judged = judge_counted(record.strategy, record.step, record.step_started_at, known, now, record.known)
        if judged.decision is not verdict.decision:
            break
        found = index
    return found


def _broken(gates: Iterable[GateResult]) -> str | None:
    return next((gate.name for gate in gates if gate.outcome is Outcome.FAIL and gate.weight is Weight.CRITICAL), None)


def _spread(gates: Iterable[GateResult], *, of_errors: bool) -> float:
    """How many times more than by chance the canary's failed, or slow, requests vary, as the gates on them found."""
    found = (each.spread for each in gates if each.metric is not Metric.CUSTOM and each.metric.of_errors == of_errors)
    return max(1.0, *found, 1.0)


def _arm(counts: Counts | None, errors: float = 1.0, slow: float = 1.0) -> ArmPoint | None:
    """What is shown of one version; `errors` and `slow` are how much more than by chance its bad requests vary."""
    if counts is None:
        return None
    low, high = share_bounds(counts.errors, counts.requests, spread=errors)
    p95_low, p95_high = quantile_bounds(counts.latency, 0.95, spread=slow)
    return ArmPoint(
        requests=counts.requests,
        errors=counts.errors,
        error_rate=counts.errors * 100 / counts.requests if counts.requests else None,
        error_low=low * 100,
        error_high=high * 100,
        p95=p95_ms(counts),
        p95_low=p95_low * 1000,
        p95_high=None if math.isinf(p95_high) else p95_high * 1000,
    )
