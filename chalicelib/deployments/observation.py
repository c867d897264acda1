"""One look at the traffic of a rollout, and the one that a step's counts are counted from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.progress import state_of, strategy
from chalicelib.deployments.releases import target_of
from chalicelib.platform.clock import Clock
from chalicelib.platform.errors import MetricsUnavailable
from chalicelib.rollouts.service import Counts, Evidence, Phase, Sample

if TYPE_CHECKING:
    from chalicelib.platform.traffic import Reading, TrafficMetrics


def observe(record: DeploymentRecord, metrics: TrafficMetrics, clock: Clock) -> Sample:
    """One look at the traffic of both arms; an arm that cannot be read is None."""
    from chalicelib.runtime import service as runtime

    number = int(record.number)
    numbers = [number] if record.stable is None else [number, int(record.stable)]
    try:
        arms = runtime.traffic_arms(metrics, target_of(record.key), numbers)
    except MetricsUnavailable:
        arms = {}
    stable = arms.get(int(record.stable)) if record.stable is not None else None
    return Sample(clock(), state_of(record).weight, _counts(arms.get(number)), _counts(stable))


def keep_baseline(record: DeploymentRecord, sample: Sample) -> None:
    """Keeps the sample that a step's counts are counted from.

    A canary that nobody counted yet, where the stable version was, has served nothing: its counts begin at zero.
    """
    canary = sample.canary
    if canary is None and sample.stable is not None:
        canary = Counts(latency=tuple((bound, 0) for bound, _ in sample.stable.latency))
    record.baseline = {
        "at": sample.at.isoformat(),
        "weight": sample.weight,
        "canary": _stored(canary),
        "stable": _stored(sample.stable),
    }


def stored_baseline(record: DeploymentRecord) -> list[Sample]:
    """The sample kept when the step began; none before the first step."""
    kept: dict[str, Any] | None = record.baseline
    if kept is None:
        return []
    at = datetime.fromisoformat(kept["at"])
    return [Sample(at, int(kept["weight"]), _read(kept["canary"]), _read(kept["stable"]))]


def judged(record: DeploymentRecord, samples: Sequence[Sample], now: datetime, *, before: Evidence | None) -> Evidence:
    """The verdict on the present step, with what it rests on. `before` is the deployment's newest analysis."""
    state = state_of(record)
    rules = strategy(record).while_paused() if state.phase is Phase.PAUSED else strategy(record)
    return Evidence.of(record.id, rules, state.step, state.step_started_at or now, samples, now, before=before)


def _counts(reading: Reading | None) -> Counts | None:
    return None if reading is None else Counts(reading.requests, reading.errors, reading.buckets, reading.pods)


def _stored(counts: Counts | None) -> list[Any] | None:
    if counts is None:
        return None
    latency = [[None if bound == float("inf") else bound, n] for bound, n in counts.latency]
    return [counts.requests, counts.errors, latency, *([counts.pods] if counts.pods else [])]


def _read(stored: list[Any] | None) -> Counts | None:
    if stored is None:
        return None
    latency = tuple((float("inf") if bound is None else float(bound), int(n)) for bound, n in stored[2])
    pods = tuple((str(name), int(requests), int(errors)) for name, requests, errors in (stored[3] if len(stored) > 3 else ()))
    return Counts(int(stored[0]), int(stored[1]), latency, pods)
