"""What the API gives about samples, verdicts and evidence."""

from __future__ import annotations

from pydantic import Field

from chalicelib.platform.schema import Moment, NextCursor, Output


class ArmView(Output):
    """The traffic of one arm over a window."""

    release: int
    requests: int
    errors: int
    error_rate: float | None = Field(description="Percent of requests that failed; null without requests.")
    latency_p95: float | None = Field(description="Milliseconds at the 95th percentile; null without requests.")


class GateView(Output):
    """How one gate was judged."""

    metric: str
    limit: float
    canary: float | None
    stable: float | None
    outcome: str
    sentence: str


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


class ReplayedView(Output):
    """One recorded analysis, judged again."""

    at: Moment
    step: int
    recorded: VerdictView
    replayed: VerdictView
    agrees: bool


class ReplayView(Output):
    """All analyses of a deployment, judged again from their evidence."""

    deployment: str
    agrees: bool
    items: tuple[ReplayedView, ...]
