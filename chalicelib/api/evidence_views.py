"""Explanations and replays as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.views import gate_view, verdict_view
from chalicelib.rollouts.schemas import ArmPointView, PointView, ReplayedView, StepView

if TYPE_CHECKING:
    from chalicelib.rollouts.service import ArmPoint, Evidence, Replayed, StepExplained


def explanation_view(step: StepExplained) -> StepView:
    """One step with all its samples."""
    evidence = step.evidence
    return StepView(
        step=evidence.step,
        started_at=evidence.step_started_at,
        at=evidence.at,
        alpha=round(evidence.strategy.alpha * 100, 4),
        gates=tuple(gate_view(gate) for gate in evidence.verdict.gates),
        verdict=verdict_view(evidence.verdict),
        points=tuple(
            PointView(at=point.at, weight=point.weight, canary=_arm(point.canary), stable=_arm(point.stable))
            for point in step.points
        ),
        decided=step.decided,
        decided_by=step.gate,
    )


def replayed_view(evidence: Evidence, again: Replayed) -> ReplayedView:
    """One analysis, judged again."""
    return ReplayedView(
        at=evidence.at,
        step=evidence.step,
        recorded=verdict_view(again.recorded),
        replayed=verdict_view(again.judged),
        agrees=again.agrees,
        note=again.note,
    )


def _arm(arm: ArmPoint | None) -> ArmPointView | None:
    if arm is None:
        return None
    return ArmPointView(
        requests=arm.requests,
        errors=arm.errors,
        error_rate=None if arm.error_rate is None else round(arm.error_rate, 3),
        error_low=round(arm.error_low, 3),
        error_high=round(arm.error_high, 3),
        latency_p95=arm.p95,
        latency_low=round(arm.p95_low, 1),
        latency_high=None if arm.p95_high is None else round(arm.p95_high, 1),
    )
