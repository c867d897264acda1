"""A rollout as curves over time: what an explanation's steps say, one after another, whatever draws them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cygni.cli.shapes import ArmPoint, Explanation, StepExplained
from cygni.cli.views.words import parse_time

_ROOM = 1.15
"""How far above the highest point, or the limit, a picture ends."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A value at a moment, in seconds since the rollout's first sample, and the band that holds it.

    `value` is None where nothing was measured; `high` is None where nothing bounds it.
    """

    at: float
    value: float | None
    low: float
    high: float | None


@dataclass(frozen=True, slots=True)
class Curves:
    """One measure of both versions, its limit if a gate has one, and the value at the picture's upper edge.

    `allowed` is the limit of a gate that compares with the stable version, (seconds, value): what that shows, and so much more.
    """

    title: str
    unit: str
    canary: tuple[Mark, ...]
    stable: tuple[Mark, ...]
    limit: float | None
    top: float
    allowed: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """The sample that decided the newest step: when, as API time and in seconds, which step, and which of how many it was."""

    time: str
    at: float
    step: int
    sample: int
    of: int
    gate: str | None


@dataclass(frozen=True, slots=True)
class Course:
    """A rollout from its first sample to its last: `weights` are (seconds, percent), `begins` is the API time of second 0."""

    begins: str
    seconds: float
    weights: tuple[tuple[float, int], ...]
    curves: tuple[Curves, ...]
    decided: Decided | None


def course_of(explanation: Explanation) -> Course | None:
    """The whole rollout; None when no sample was recorded."""
    steps = [step for step in explanation["items"] if step["points"]]
    if not steps:
        return None
    begins = steps[0]["points"][0]["at"]
    origin = parse_time(begins).timestamp()
    moments = [(parse_time(point["at"]).timestamp() - origin, point) for step in steps for point in step["points"]]
    measures = (_curves(steps, origin, "Failed requests", "%"), _curves(steps, origin, "95th percentile", "ms"))
    weights = [(at, point["weight"]) for at, point in moments]
    end = explanation["end"]
    if end is not None:
        weights.append((parse_time(end["at"]).timestamp() - origin, end["weight"]))
    return Course(
        begins=begins,
        seconds=max(at for at, _ in weights),
        weights=tuple(weights),
        curves=tuple(each for each in measures if any(mark.value is not None for mark in (*each.canary, *each.stable))),
        decided=_decided(explanation, origin),
    )


def _decided(explanation: Explanation, origin: float) -> Decided | None:
    """The sample behind the newest step's verdict. An earlier step's decided that step alone, and none what a person did."""
    step = explanation["items"][-1]
    index = step["decided"]
    if index is None or explanation["decider"] not in ("judge", "nobody"):
        return None
    time = step["points"][index]["at"]
    at = parse_time(time).timestamp() - origin
    return Decided(time, at, step["step"] + 1, index + 1, len(step["points"]), step["decided_by"])


def _curves(steps: Sequence[StepExplained], origin: float, title: str, unit: str) -> Curves:
    canary, stable = (_marks(steps, arm, origin, of_errors=unit == "%") for arm in ("canary", "stable"))
    metric = "errorRate" if unit == "%" else "latencyP95"
    limit, increase = _limit(steps, metric), _limit(steps, f"{metric}Increase")
    allowed = () if increase is None else tuple(_allowed(stable, increase, of_errors=unit == "%"))
    values = (mark.value for mark in (*canary, *stable) if mark.value is not None)
    highest = max([limit or 0.0, *values, *(value for _, value in allowed)])
    return Curves(title, unit, canary, stable, limit, highest * _ROOM or 1.0, allowed)


def _limit(steps: Sequence[StepExplained], metric: str) -> float | None:
    """The newest limit of a gate on it."""
    limits = [gate["limit"] for step in steps for gate in step["gates"] if gate["metric"] == metric]
    return limits[-1] if limits else None


def _allowed(stable: Sequence[Mark], increase: float, *, of_errors: bool) -> Iterator[tuple[float, float]]:
    """What the canary may show: percentage points more than the stable version does, or percent more milliseconds."""
    for mark in stable:
        if mark.value is not None:
            yield mark.at, mark.value + increase if of_errors else mark.value * (1 + increase / 100)


def _marks(steps: Sequence[StepExplained], arm: str, origin: float, *, of_errors: bool) -> tuple[Mark, ...]:
    found = []
    for step in steps:
        for point in step["points"]:
            seen: ArmPoint | None = point["canary"] if arm == "canary" else point["stable"]
            if seen is not None:
                found.append(_mark(parse_time(point["at"]).timestamp() - origin, seen, of_errors=of_errors))
    return tuple(found)


def _mark(at: float, seen: ArmPoint, *, of_errors: bool) -> Mark:
    if of_errors:
        return Mark(at, seen["error_rate"], seen["error_low"], seen["error_high"])
    return Mark(at, seen["latency_p95"], seen["latency_low"], seen["latency_high"])
