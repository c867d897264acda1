"""Explanations and replays as the API shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.views import gate_view, verdict_view
from chalicelib.platform.late import late

if TYPE_CHECKING:
    from chalicelib.rollouts import schemas as rollouts_shapes
else:
    rollouts_shapes = late("chalicelib.rollouts.schemas")


if TYPE_CHECKING:
    from chalicelib.deployments.service import Explanation
    from chalicelib.rollouts.service import ArmPoint, Evidence, Replayed, StepExplained


def explanation_view(deployment: str, found: Explanation) -> rollouts_shapes.ExplanationView:
    """The whole, and who decided."""
    return rollouts_shapes.ExplanationView(
        deployment=deployment,
        items=tuple(step_view(step) for step in found.steps),
        live=found.live,
        decider=found.decided.kind,
        reason=found.decided.reason,
        by=found.decided.by,
        end=rollouts_shapes.EndView(at=found.end[0], weight=found.end[1]) if found.end else None,
    )


def step_view(step: StepExplained) -> rollouts_shapes.StepView:
    """One step with all its samples."""
    evidence = step.evidence
    return rollouts_shapes.StepView(
        step=evidence.step,
        started_at=evidence.step_started_at,
        at=evidence.at,
        alpha=round(evidence.strategy.alpha * 100, 4),
        gates=tuple(gate_view(gate) for gate in evidence.verdict.gates),
        verdict=verdict_view(evidence.verdict),
        points=tuple(
            rollouts_shapes.PointView(at=point.at, weight=point.weight, canary=_arm(point.canary), stable=_arm(point.stable))
            for point in step.points
        ),
        decided=step.decided,
        decided_by=step.gate,
    )


def replayed_view(evidence: Evidence, again: Replayed) -> rollouts_shapes.ReplayedView:
    """One analysis, judged again."""
    return rollouts_shapes.ReplayedView(
        at=again.at or evidence.at,
        step=evidence.step,
        recorded=verdict_view(again.recorded),
        replayed=verdict_view(again.judged),
        agrees=again.agrees,
        note=again.note,
    )


def _arm(arm: ArmPoint | None) -> rollouts_shapes.ArmPointView | None:
    if arm is None:
        return None
    return rollouts_shapes.ArmPointView(
        requests=arm.requests,
        errors=arm.errors,
        error_rate=None if arm.error_rate is None else round(arm.error_rate, 3),
        error_low=round(arm.error_low, 3),
        error_high=round(arm.error_high, 3),
        latency_p95=arm.p95,
        latency_low=round(arm.p95_low, 1),
        latency_high=None if arm.p95_high is None else round(arm.p95_high, 1),
    )
