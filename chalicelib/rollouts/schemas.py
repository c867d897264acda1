"""What the API gives about samples, verdicts and evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from chalicelib.platform.schema import Input, Moment, NextCursor, Output


class ArmView(Output):
    """The traffic of one arm over a window."""

    release: int
    requests: int
    errors: int
    error_rate: float | None = Field(description="Percent of requests that failed; null without requests.")
    latency_p95: float | None = Field(description="Milliseconds at the 95th percentile; null without requests.")


class GateView(Output):
    """How one gate was judged."""

    name: str
    metric: str
    weight: str = Field(description="critical: it decides; advisory: it is told.")
    limit: float
    canary: float | None
    stable: float | None
    outcome: str
    sentence: str
    low: float = Field(description="Lower edge of the band of the canary's bad requests, in percent.")
    high: float = Field(description="Upper edge of that band.")
    allowed: float = Field(description="Percent of the canary's requests that may be bad.")
    evidence: float = Field(description="Evidence against the release: the natural logarithm of its odds.")
    needed: float = Field(description="Evidence at which the gate fails; 0 for a custom gate.")
    spread: float = Field(description="How many times as much as by chance the bad requests vary.")


class VerdictView(Output):
    """A verdict with its reason."""

    decision: str
    reason: str
    rule_version: str
    gates: tuple[GateView, ...]


class TrafficView(Output):
    """The live traffic of a rollout since its present step began."""

    at: Moment
    phase: str
    step: int = Field(description="Index of the step, from 0.")
    weight: int = Field(description="Percent of requests sent to the canary.")
    canary: ArmView | None
    stable: ArmView | None
    verdict: VerdictView | None = Field(description="What the judge would say now.")


class EvidenceView(Output):
    """One analysis: what was seen and what was concluded."""

    at: Moment
    step: int
    weight: int
    samples: int = Field(description="How many samples the verdict rests on.")
    verdict: VerdictView


class EvidencePage(Output):
    """A page of analyses, oldest first."""

    items: tuple[EvidenceView, ...]
    next_cursor: NextCursor = None


_NAME = "[a-zA-Z][a-zA-Z0-9-]{0,29}"


class ReplayQuery(Input):
    """What to judge with instead of what was recorded. A gate that is not named stays as it was."""

    alpha: float | None = Field(None, ge=0.0001, le=50, description="Chance of a false roll-back, in percent.")
    error_rate: float | None = Field(None, ge=0, le=100, alias="errorRate", description="Most failed requests, in percent.")
    latency_p95: float | None = Field(None, ge=1, le=60_000, alias="latencyP95", description="Most latency, in milliseconds.")
    error_rate_increase: float | None = Field(
        None, ge=0, le=100, alias="errorRateIncrease", description="Most percentage points above the stable version's."
    )
    latency_p95_increase: float | None = Field(
        None, ge=1, le=1000, alias="latencyP95Increase", description="Most percent above the stable version's."
    )
    custom: str | None = Field(
        None,
        max_length=1000,
        pattern=rf"^{_NAME}=-?\d+(\.\d+)?(,{_NAME}=-?\d+(\.\d+)?)*$",
        description="Limits of recorded custom gates: queue-depth=5,checkout=1.",
    )
    drop: str | None = Field(
        None, max_length=1000, pattern=rf"^{_NAME}(,{_NAME})*$", description="Names of gates that are not judged, by commas."
    )


class ReplayedView(Output):
    """One recorded analysis, judged again: with other gates, the first moment of it at which they decide otherwise."""

    at: Moment
    step: int
    recorded: VerdictView
    replayed: VerdictView
    agrees: bool
    note: str = Field("", description="Why the two may differ; empty where they may not.")


class ReplayView(Output):
    """A deployment's newest analyses, judged again from their evidence."""

    deployment: str
    agrees: bool
    left_out: bool = Field(description="Whether there are older analyses, which were not judged again.")
    items: tuple[ReplayedView, ...]


class ArmPointView(Output):
    """One version's traffic since its step began. Bands hold at all points at once, with 99 % confidence."""

    requests: int
    errors: int
    error_rate: float | None = Field(description="Percent of requests that failed; null without requests.")
    error_low: float
    error_high: float
    latency_p95: float | None = Field(description="Milliseconds at the 95th percentile; null when not measured.")
    latency_low: float
    latency_high: float | None = Field(description="Null where nothing bounds it.")


class PointView(Output):
    """One sample."""

    at: Moment
    weight: int = Field(description="Percent of requests sent to the canary.")
    canary: ArmPointView | None
    stable: ArmPointView | None


class StepView(Output):
    """One step as its judge saw it, by its newest analysis."""

    step: int
    started_at: Moment
    at: Moment
    alpha: float = Field(description="Chance of a false roll-back that the strategy allows, in percent.")
    gates: tuple[GateView, ...]
    verdict: VerdictView
    points: tuple[PointView, ...]
    decided: int | None = Field(description="Index of the point whose sample decided; null while nothing is decided.")
    decided_by: str | None = Field(description="The gate that rolled back, where one did.")


class EndView(Output):
    """The traffic's last move."""

    at: Moment
    weight: int = Field(description="Percent of requests that the canary has since.")


class ExplanationView(Output):
    """All steps of a deployment, oldest first; one that was begun anew is there once more."""

    deployment: str
    items: tuple[StepView, ...]
    live: bool = Field(description="Whether the newest step is being watched, and shown as it stands just now.")
    decider: Literal["judge", "person", "other", "nobody"] = Field(
        description="Who decided how it goes: the judge, a person, neither, or nobody yet."
    )
    reason: str = Field(description="Why it went so, or what it is at while nobody has decided.")
    by: str | None = Field(description="Who asked for it, where a person decided.")
    end: EndView | None = Field(description="When all traffic went to one version for good.")
