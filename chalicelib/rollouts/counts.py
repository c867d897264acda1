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

Histogram = tuple[tuple[float, int], ...]
"""Upper bounds in seconds, rising, the last one infinite; each with the count of all requests at or below it."""


class Arm(StrEnum):
    """The two versions that share the traffic of a rollout."""

    CANARY = "canary"
    STABLE = "stable"


@dataclass(frozen=True, slots=True)
class Counts:
    """Requests, those answered 5xx, and a cumulative histogram of latency (empty when it was not measured)."""

    requests: int = 0
    errors: int = 0
    latency: Histogram = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at the traffic. `weight` is the canary's percent then; an arm is None when its reading was missing."""

    at: datetime
    weight: int
    canary: Counts | None
    stable: Counts | None

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
    if _began_again(before, after):
        return after
    latency = tuple((bound, now - then) for bound, then, now in _shared_bounds(before, after))
    return Counts(after.requests - before.requests, after.errors - before.errors, latency)


def merge(one: Counts, other: Counts) -> Counts:
    """The sum of two stretches. A histogram keeps the bounds that both have, where cumulative counts stay exact."""
    latency = tuple((bound, ours + theirs) for bound, ours, theirs in _shared_bounds(one, other))
    return Counts(one.requests + other.requests, one.errors + other.errors, latency)


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

    Any of these but an arm's first and last reading can be left out without changing `window`.
    """
    samples = tuple(samples)
    totals = {arm: dict(_totals(_from_base(_readings(samples, arm, now), since))) for arm in Arm}
    weights: dict[datetime, int] = {}
    for sample in samples:
        weights[sample.at] = max(sample.weight, weights.get(sample.at, 0))
    first = min((at for readings in totals.values() for at in readings), default=since)
    return tuple(
        Sample(at, weights[at], totals[Arm.CANARY].get(at), totals[Arm.STABLE].get(at))
        for at in sorted(weights)
        if first <= at <= now
    )


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
    within = next((count for bound, count in latency if bound >= seconds), 0)
    return max(0, latency[-1][1] - within) if latency else 0


def _began_again(before: Counts, after: Counts) -> bool:
    if after.requests < before.requests or after.errors < before.errors:
        return True
    return any(now < then for _, then, now in _shared_bounds(before, after))


def _shared_bounds(one: Counts, other: Counts) -> list[tuple[float, int, int]]:
    theirs = dict(other.latency)
    return [(bound, count, theirs[bound]) for bound, count in one.latency if bound in theirs]


def _readings(samples: Iterable[Sample], arm: Arm, now: datetime) -> list[tuple[datetime, Counts]]:
    """The arm's readings by time; of two for one moment the fuller is taken, so that order cannot matter."""
    found: dict[datetime, Counts] = {}
    for sample in samples:
        reading = sample.of(arm)
        if reading is not None and sample.at <= now:
            found[sample.at] = max(reading, found.get(sample.at, reading), key=_fullness)
    return sorted(found.items(), key=lambda item: item[0])


def _fullness(counts: Counts) -> tuple[int, int, Histogram]:
    return counts.requests, counts.errors, counts.latency


def _from_base(readings: list[tuple[datetime, Counts]], since: datetime) -> list[tuple[datetime, Counts]]:
    before = sum(1 for at, _ in readings if at <= since)
    return readings[max(0, before - 1) :]


def _totals(readings: list[tuple[datetime, Counts]]) -> list[tuple[datetime, Counts]]:
    """Each reading as the sum of what was served since the first."""
    if not readings:
        return []
    (at, previous), *rest = readings
    total = replace(previous, requests=0, errors=0, latency=tuple((bound, 0) for bound, _ in previous.latency))
    totals = [(at, total)]
    for at, reading in rest:
        total = merge(total, delta(previous, reading))
        totals.append((at, total))
        previous = reading
    return totals
