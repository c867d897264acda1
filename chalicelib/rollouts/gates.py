"""What a gate is, and what it can say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class Metric(StrEnum):
    """What a gate limits. The `…Increase` ones compare with the stable version at the same time."""

    ERROR_RATE = "errorRate"
    LATENCY_P95 = "latencyP95"
    ERROR_RATE_INCREASE = "errorRateIncrease"
    LATENCY_P95_INCREASE = "latencyP95Increase"
    CUSTOM = "custom"

    @property
    def of_errors(self) -> bool:
        """Whether bad requests are failed ones; else they are slow ones."""
        return self in (Metric.ERROR_RATE, Metric.ERROR_RATE_INCREASE)

    @property
    def relative(self) -> bool:
        """Whether the limit is what the stable version shows, and so much more."""
        return self in (Metric.ERROR_RATE_INCREASE, Metric.LATENCY_P95_INCREASE)


class Weight(StrEnum):
    """What a gate's outcome is worth: a critical one decides, an advisory one is only told."""

    CRITICAL = "critical"
    ADVISORY = "advisory"


class Outcome(StrEnum):
    """What one gate says. `shared`: broken, but by the stable version too."""

    PASS = "pass"  # noqa: S105 - no password: a gate's outcome
    SHARED = "shared"
    UNKNOWN = "unknown"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Custom:
    """A measurement of the user's own: a PromQL expression, or the address of a webhook (1 for yes, 0 for no).

    `bound` says which way the gate's limit goes: the value may be so much at most (`max`), or at least (`min`).
    """

    name: str
    kind: Literal["query", "webhook"]
    target: str
    bound: Literal["max", "min"]


@dataclass(frozen=True, slots=True)
class Gate:
    """A limit, in the metric's unit.

    Percent of requests answered 5xx; milliseconds at the 95th percentile; percentage points of failed requests more than
    the stable version has; percent by which the 95th percentile may be above the stable version's; a custom gate's own.
    """

    metric: Metric
    limit: float
    weight: Weight = Weight.CRITICAL
    custom: Custom | None = None

    @property
    def name(self) -> str:
        """What people call it: a custom gate by its own name, others by their metric's."""
        return self.custom.name if self.custom else self.metric.value


@dataclass(frozen=True, slots=True)
class GateResult:
    """How one gate was judged, with what was seen of both versions.

    `low` and `high` are the confidence band of the canary's share of bad requests in percent, `allowed` the percent that
    may be bad. `evidence` against the release is a logarithm: the gate fails when it reaches `needed`, which a sound
    release has a chance of exp(-`needed`) to do at any time. `spread`: how many times more than by chance the bad
    requests vary (`dispersion`). `doubtful`: though it has not failed, it speaks against letting the release on. `within`:
    proven to keep to the limit.
    """

    metric: Metric
    limit: float
    canary: float | None
    stable: float | None
    allowed: float
    low: float
    high: float
    outcome: Outcome
    sentence: str
    name: str = ""
    weight: Weight = Weight.CRITICAL
    evidence: float = 0.0
    needed: float = 0.0
    spread: float = 1.0
    doubtful: bool = False
    within: bool = False


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found of the canary's share of bad requests: how many of how many, the band that holds it, the evidence.

    `unwidened` is what the evidence would be if the bad requests varied by chance alone. `shared`: the stable version is over
    the limit too, and the canary is not proven to be worse. `of_pods`: the spread is one between pods, not in time.
    `compared`: there is traffic of both versions, where the gate compares them. `few`: a few bursts may explain what would be
    proof otherwise.
    """

    bad: int
    total: int
    band: tuple[float, float]
    evidence: float
    unwidened: float = 0.0
    spread: float = 1.0
    of_pods: bool = False
    shared: bool = False
    compared: bool = True
    within: bool = False
    few: bool = False
