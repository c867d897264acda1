"""What was measured: cumulative counts of the two versions, and what passed between two moments.

1. A reading is cumulative since its counters began; only differences between readings mean anything.
2. A reading may be missing, late, repeated, or begin again from zero; none of these makes a difference negative.
3. A counter that falls has begun again: what it shows then was all served since, and counts whole. This is what
   `increase()` of Prometheus does (https://prometheus.io/docs/prometheus/latest/querying/functions/#increase).
4. Nothing here depends on the order in which samples arrive.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

Histogram = tuple[tuple[float, int], ...]
"""Upper bounds in seconds, rising, the last one infinite; each with the count of all requests at or below it."""

Pods = tuple[tuple[str, int, int], ...]
"""Each pod's name, requests and errors, where the source of the readings tells pods apart."""


class Measurement(NamedTuple):
    """What a custom gate measured, by the gate's name: None where that failed. `note` says why, or what was answered."""

    name: str
    value: float | None
    note: str = ""


Values = tuple[Measurement, ...]


class Arm(StrEnum):
    """The two versions that share the traffic of a rollout."""

    CANARY = "canary"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests, those answered 5xx, and a cumulative histogram of latency (empty when it was not measured).

    `pods` may be empty, and need not add up to the requests: some are answered by no pod.
    """

    requests: int = 0
    errors: int = 0
    latency: Histogram = ()
    pods: Pods = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the traffic. `weight` is the canary's percent then; an arm is None when its reading was missing."""

    at: datetime
    weight: int
    canary: Counts | None
    stable: Counts | None
    values: Values = ()

    def of(self, arm: Arm) -> Counts | None:
        """The reading of one arm."""
        return self.canary if arm is Arm.CANARY else self.stable


@dataclass(frozen=True, slots=True)
class Window:
    """What one arm served in a stretch of time; `counts` and `newest` (time of the last reading) are None if never read."""

    counts: Counts | None
    newest: datetime | None


def delta(before: Counts, after: Counts) -> Counts:
    """What was served between two successive readings of one arm; never negative (see the module's third rule)."""
    shared = _shared_bounds(before, after)
    if after.requests < before.requests or after.errors < before.errors or any(now < then for _, then, now in shared):
        return after
    latency = tuple((bound, now - then) for bound, then, now in shared)
    pods = _pods_since(before.pods, after.pods) if after.pods else ()
    return Counts(after.requests - before.requests, after.errors - before.errors, latency, pods)


def merge(one: Counts, other: Counts) -> Counts:
    """The sum of two stretches. A histogram keeps the bounds that both have, where cumulative counts stay exact."""
    latency = tuple((bound, ours + theirs) for bound, ours, theirs in _shared_bounds(one, other))
    pods = _pods_together(one.pods, other.pods) if one.pods or other.pods else ()
    return Counts(one.requests + other.requests, one.errors + other.errors, latency, pods)


def window(samples: Iterable[Sample], arm: Arm, since: datetime, now: datetime) -> Window:
    """What the arm served from `since` to `now`.

    It begins at the newest reading that is not after `since`, or else at the first reading, whose past is not known
    and not counted. Samples later than `now` are left out.
    """
    readings = _from_base(_readings(samples, arm, now), since)
    if not readings:
        return Window(None, None)
    return Window(_totals(readings)[-1][1], readings[-1][0])


def rebase(samples: Iterable[Sample], since: datetime, now: datetime) -> tuple[Sample, ...]:
    """The same window as samples that count from its beginning, in order, without repeats or restarts.

    Any of these but an arm's first and last reading can be left out without changing `window`, and all pods but the last
    reading's. Values are kept whole, and there may be samples that have nothing else.
    """
    samples = tuple(samples)
    totals = {arm: dict(_totals(_from_base(_readings(samples, arm, now), since))) for arm in Arm}
    weights: dict[datetime, int] = {}
    values: dict[datetime, Values] = {}
    for sample in samples:
        weights[sample.at] = max(sample.weight, weights.get(sample.at, 0))
        values[sample.at] = max(sample.values, values.get(sample.at, ()), key=lambda each: (len(each), repr(each)))
    first = min((at for readings in totals.values() for at in readings), default=since)
    return tuple(
        Sample(at, weights[at], totals[Arm.CANARY].get(at), totals[Arm.STABLE].get(at), values[at])
        for at in sorted(weights)
        if first <= at <= now
    )


def newest(samples: Iterable[Sample], now: datetime) -> Sample | None:
    """Each arm's newest reading, as a sample of the newest moment; None without samples."""
    samples = [sample for sample in samples if sample.at <= now]
    if not samples:
        return None
    canary, stable = (dict(_readings(samples, arm, now)[-1:]) for arm in Arm)
    last = max(samples, key=lambda sample: sample.at)
    return replace(last, canary=next(iter(canary.values()), None), stable=next(iter(stable.values()), None))


def go_on(rebased: Iterable[Sample], latest: Sample, fresh: Iterable[Sample], now: datetime) -> tuple[Sample, ...]:
    """Rebased samples, and behind them the fresh ones, counting on from where those stopped.

    `latest` has the arms' newest readings as they were read, of the time that `rebased` ends with.
    """
    rebased = tuple(rebased)
    later = [sample for sample in fresh if latest.at < sample.at <= now]
    totals: dict[Arm, dict[datetime, Counts]] = {}
    for arm in Arm:
        begin, counted = latest.of(arm), [reading for each in rebased if (reading := each.of(arm)) is not None]
        readings = [*([(latest.at, begin)] if begin else []), *_readings(later, arm, now)]
        totals[arm] = {at: merge(counted[-1], total) if counted else total for at, total in _totals(readings)}
    added = (replace(each, canary=totals[Arm.CANARY].get(each.at), stable=totals[Arm.STABLE].get(each.at)) for each in later)
    return (*rebased, *added)


def quantile(latency: Histogram, share: float) -> float | None:
    """The latency in seconds that `share` of the requests stay within; None without requests.

    Interpolated linearly inside the bucket, from zero in the first, and no more than the highest finite bound:
    as `histogram_quantile()` (https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile).
    """
    if not latency or latency[-1][1] <= 0:
        return None
    rank = share * latency[-1][1]
    floor, below = 0.0, 0
    for bound, count in latency:
        if count >= rank and count > below:
            return floor if math.isinf(bound) else floor + (bound - floor) * (rank - below) / (count - below)
        floor, below = (floor if math.isinf(bound) else bound), count
    return floor


def p95_ms(counts: Counts) -> float | None:
    """The 95th percentile of latency in milliseconds, to a tenth; None when nothing was measured."""
    seconds = quantile(counts.latency, 0.95)
    return None if seconds is None else round(seconds * 1000, 1)


def surely_slower(latency: Histogram, seconds: float) -> int:
    """How many requests were slower than `seconds` whatever happened inside its bucket: all above that bucket."""
    for bound, within in latency:
        if bound >= seconds:
            return max(0, latency[-1][1] - within)
    return 0


def _shared_bounds(one: Counts, other: Counts) -> list[tuple[float, int, int]]:
    pairs = zip(one.latency, other.latency, strict=False)
    alike = [(bound, count, other_count) for (bound, count), (other_bound, other_count) in pairs if bound == other_bound]
    if len(alike) == len(one.latency) == len(other.latency):
        return alike
    theirs = dict(other.latency)
    return [(bound, count, theirs[bound]) for bound, count in one.latency if bound in theirs]


def _pods_since(before: Pods, after: Pods) -> Pods:
    """What each pod served; one that was not counted before, or counts from the beginning again, counts whole."""
    then = {name: (requests, errors) for name, requests, errors in before}
    since = []
    for name, requests, errors in after:
        old_requests, old_errors = then.get(name, (0, 0))
        restarted = requests < old_requests or errors < old_errors
        since.append((name, requests, errors) if restarted else (name, requests - old_requests, errors - old_errors))
    return tuple(since)


def _pods_together(one: Pods, other: Pods) -> Pods:
    sums = {name: (requests, errors) for name, requests, errors in one}
    for name, requests, errors in other:
        more = sums.get(name, (0, 0))
        sums[name] = (requests + more[0], errors + more[1])
    return tuple((name, *sums[name]) for name in sorted(sums))


def _readings(samples: Iterable[Sample], arm: Arm, now: datetime) -> list[tuple[datetime, Counts]]:
    """The arm's readings by time; of two for one moment the fuller is taken, so that order cannot matter."""
    found: dict[datetime, Counts] = {}
    for sample in samples:
        reading = sample.of(arm)
        if reading is not None and sample.at <= now:
            found[sample.at] = max(reading, found.get(sample.at, reading), key=_fullness)
    return sorted(found.items(), key=lambda item: item[0])


def _fullness(counts: Counts) -> tuple[int, int, Histogram, Pods]:
    return counts.requests, counts.errors, counts.latency, counts.pods


def _from_base(readings: list[tuple[datetime, Counts]], since: datetime) -> list[tuple[datetime, Counts]]:
    before = sum(1 for at, _ in readings if at <= since)
    return readings[max(0, before - 1) :]


def _totals(readings: list[tuple[datetime, Counts]]) -> list[tuple[datetime, Counts]]:
    """Each reading as the sum of what was served since the first."""
    if not readings:
        return []
    (at, previous), *rest = readings
    total = Counts(latency=tuple((bound, 0) for bound, _ in previous.latency))
    totals = [(at, total)]
    for at, reading in rest:
        total = merge(total, delta(previous, reading))
        totals.append((at, total))
        previous = reading
    return totals
