"""The parts of the API's answers that the command reads. The API's OpenAPI document is the authority; more fields may come.

`TypedDict`s, because what the API sent is what `--json` prints: nothing is renamed or dropped on the way.
"""

from __future__ import annotations

from typing import Any, Generic, NotRequired, TypedDict, TypeVar

Item = TypeVar("Item")


class Page(TypedDict, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None


class Project(TypedDict):
    """A project."""

    name: str
    description: str
    created_at: str


class Freeze(TypedDict):
    """A time in which no release begins."""

    begins: str
    until: str
    reason: str


class Environment(TypedDict):
    """An environment of a project. An older control plane knows no freezes."""

    project: str
    name: str
    description: str
    freezes: NotRequired[list[Freeze]]
    created_at: str


class Service(TypedDict):
    """A service with its live release and its queue."""

    project: str
    environment: str
    name: str
    url: str
    live_release: int | None
    active_deployment: str | None
    waiting_deployment: str | None
    deleting: bool
    created_at: str
    version: int


class Config(TypedDict):
    """A service's variables."""

    version: int
    values: dict[str, str]
    changed_at: str | None


class Upload(TypedDict):
    """The request that uploads an archive."""

    method: str
    url: str
    headers: dict[str, str]


class Source(TypedDict):
    """A source archive."""

    id: str
    size: int
    upload: Upload


class Plan(TypedDict):
    """How a source would be built."""

    kind: str
    summary: str
    start: str | None
    start_from: str | None
    dockerfile: str | None


class Rollout(TypedDict):
    """Where a rollout stands."""

    phase: str
    step: int
    steps: list[int]
    weight: int
    paused: bool
    reason: str


class Deployment(TypedDict):
    """One attempt to take a release to production."""

    id: str
    project: str
    environment: str
    service: str
    kind: str
    state: str
    ended: bool
    release: int
    stable_release: int | None
    source: str | None
    image: str | None
    message: str
    commit: str
    requested: str | None
    rollout: Rollout | None
    outcome: str | None
    url: str
    created_at: str
    ended_at: str | None
    created_by: str
    approved_by: str | None


class Event(TypedDict):
    """One entry of a timeline."""

    seq: int
    at: str
    kind: str
    message: str
    by: str | None


class Timeline(TypedDict):
    """Events since a cursor."""

    items: list[Event]
    next_cursor: str
    ended: bool
    state: str


class Arm(TypedDict):
    """The traffic of one release over a window: `error_rate` in percent, `latency_p95` in milliseconds."""

    release: int
    requests: int
    errors: int
    error_rate: float | None
    latency_p95: float | None


class Verdict(TypedDict):
    """A verdict with its reason."""

    decision: str
    reason: str
    rule_version: str


class Traffic(TypedDict):
    """The live traffic of a rollout since its present step began; `verdict` is what the judge would say now."""

    at: str
    phase: str
    step: int
    weight: int
    canary: Arm | None
    stable: Arm | None
    verdict: Verdict | None


class ArmPoint(TypedDict):
    """One version's traffic since its step began, with the bands that hold its figures: percent, and milliseconds."""

    requests: int
    errors: int
    error_rate: float | None
    error_low: float
    error_high: float
    latency_p95: float | None
    latency_low: float
    latency_high: float | None


class Point(TypedDict):
    """One sample."""

    at: str
    weight: int
    canary: ArmPoint | None
    stable: ArmPoint | None


class Gate(TypedDict):
    """How one gate was judged."""

    name: str
    metric: str
    weight: str
    limit: float
    outcome: str
    sentence: str


class StepExplained(TypedDict):
    """One step as its judge saw it: `decided` is the index of the point that did, `decided_by` the gate that rolled back."""

    step: int
    started_at: str
    at: str
    alpha: float
    gates: list[Gate]
    verdict: Verdict
    points: list[Point]
    decided: int | None
    decided_by: str | None


class LastMove(TypedDict):
    """When all traffic went to one version for good, and the canary's percent since."""

    at: str
    weight: int


class Explanation(TypedDict):
    """All steps of a deployment, oldest first, and who decided: `judge`, `person`, `other`, or `nobody` yet."""

    deployment: str
    items: list[StepExplained]
    live: bool
    decider: str
    reason: str
    by: str | None
    end: LastMove | None


class Replayed(TypedDict):
    """One analysis, judged again; `note` says why the two may differ."""

    at: str
    step: int
    recorded: Verdict
    replayed: Verdict
    agrees: bool
    note: str


class Replay(TypedDict):
    """A deployment's newest analyses, judged again; `left_out`: there are older ones."""

    deployment: str
    agrees: bool
    left_out: bool
    items: list[Replayed]


class Release(TypedDict):
    """A release: one record of the whole."""

    number: int
    deployment: str
    image: str
    config_version: int
    spec: dict[str, Any]
    live: bool
    created_at: str


class LogLine(TypedDict):
    """One line that an instance wrote."""

    at: str
    release: int
    instance: str
    text: str


class Logs(TypedDict):
    """Log lines since a cursor."""

    items: list[LogLine]
    next_cursor: str


class BuildLog(TypedDict):
    """Build log lines since a cursor."""

    lines: list[str]
    next_cursor: str
    complete: bool
