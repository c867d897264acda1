"""The rules of three peers, made again from their documentation, before the same traffic.

- **Flagger** (docs.flagger.app, "How it works" and "Metrics analysis"): at each `interval` it checks its metrics over the
  last interval: share of requests that succeeded, at least `thresholdRange.min`, and a percentile of the latency, at most
  `max`. A metric without a value is a failed check. At `threshold` failed checks, in a row or not, it rolls back.
- **Argo Rollouts** (argoproj.github.io/argo-rollouts, "Analysis"): at each `interval` a measurement is taken, here the share
  of requests that succeeded over the last interval. One that does not meet `successCondition`, and a NaN does not, has
  failed; after more than `failureLimit` failed ones, in a row or not, the run has failed and the rollout is aborted.
- **Kayenta** (spinnaker.io, "How canary judgment works"; its `MannWhitneyClassifier` and `NetflixACAJudge`): of each metric
  the values of every minute of both versions so far are compared by a Mann-Whitney U test; the canary is *high* if the
  confidence interval (98 %) of the Hodges-Lehmann shift lies above a quarter of that shift. A critical metric that is high,
  or has no data, fails the canary. Metrics: failed share and 95th percentile. Judged every five minutes.

Each has the settings of its documentation's own example, and Flagger and Argo Rollouts have Cygni's limits besides, looked at
every minute. None of them rules on two versions' traffic otherwise than said here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import NormalDist

from bench.judged.outcome import PROMOTED, ROLLED_BACK, Outcome
from bench.judged.streams import BEGIN, Stream, World
from chalicelib.rollouts.counts import Arm, Counts, Sample, delta, merge, quantile

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Minutes:
    """What each version served in each minute, as `increase()` over it gives; None where nothing was read."""

    canary: tuple[Counts | None, ...]
    stable: tuple[Counts | None, ...]

    @classmethod
    def of(cls, world: World, stream: Stream) -> Minutes:
        """The minutes of a stream."""
        seconds = sum(lasts for _, lasts in world.steps)
        samples = sorted((sample for step in stream.steps for sample in step), key=lambda sample: sample.at)
        edges = [BEGIN + timedelta(seconds=at) for at in range(0, seconds + 1, MINUTE)]
        return cls(*(_increases(samples, arm, edges) for arm in (Arm.CANARY, Arm.STABLE)))

    def last(self, minute: int, count: int) -> Counts | None:
        """What the canary served in the `count` minutes that end with this one."""
        found = [served for served in self.canary[max(0, minute + 1 - count) : minute + 1] if served is not None]
        whole = found[0] if found else None
        for served in found[1:]:
            whole = merge(whole, served) if whole else served
        return whole


def _increases(samples: list[Sample], arm: Arm, edges: list[datetime]) -> tuple[Counts | None, ...]:
    readings = {sample.at: reading for sample in samples if (reading := sample.of(arm)) is not None}
    found: list[Counts | None] = []
    known, place = sorted(readings.items()), 0
    previous: Counts | None = None
    for _, end in pairwise(edges):
        whole: Counts | None = None
        while place < len(known) and known[place][0] <= end:
            if previous is not None:
                served = delta(previous, known[place][1])
                whole = served if whole is None else merge(whole, served)
            previous = known[place][1]
            place += 1
        found.append(whole)
    return tuple(found)


def flagger(success: float, latency: tuple[float, float], *, threshold: int = 5) -> Callable[[World, Stream], Outcome]:
    """Flagger with a least success rate in percent and a most latency, as (quantile, seconds); one interval is a minute."""

    def judge(world: World, stream: Stream) -> Outcome:
        minutes, failed = Minutes.of(world, stream), 0
        for minute, served in enumerate(minutes.canary):
            failed += served is None or not _keeps(served, success, latency)
            if failed >= threshold:
                return Outcome(ROLLED_BACK, (minute + 1) * MINUTE)
        return Outcome(PROMOTED)

    return judge


def _keeps(served: Counts, success: float, latency: tuple[float, float]) -> bool:
    slow = quantile(served.latency, latency[0])
    succeeded = _succeeded(served)
    return not math.isnan(succeeded) and succeeded >= success and slow is not None and slow <= latency[1]


def argo(success: float, *, minutes: int, failure_limit: int = 3) -> Callable[[World, Stream], Outcome]:
    """Argo Rollouts with a least success rate in percent, measured every so many minutes over as many."""

    def judge(world: World, stream: Stream) -> Outcome:
        seen, failed = Minutes.of(world, stream), 0
        for minute in range(minutes - 1, len(seen.canary), minutes):
            served = seen.last(minute, minutes)
            failed += served is None or not _succeeded(served) >= success
            if failed > failure_limit:
                return Outcome(ROLLED_BACK, (minute + 1) * MINUTE)
        return Outcome(PROMOTED)

    return judge


def kayenta(world: World, stream: Stream) -> Outcome:
    """Kayenta with two critical metrics, judged every five minutes over all that was seen."""
    minutes = Minutes.of(world, stream)
    for end in range(5, len(minutes.canary) + 1, 5):
        for value in (_failed_percent, _p95):
            canary, stable = (_values(arm[:end], value) for arm in (minutes.canary, minutes.stable))
            if not canary or not stable or is_high(canary, stable):
                return Outcome(ROLLED_BACK, end * MINUTE)
    return Outcome(PROMOTED)


def is_high(canary: list[float], stable: list[float], *, confidence: float = 0.98, tolerance: float = 0.25) -> bool:
    """Whether the canary's values are classified as high, by the interval of their shift (Hodges and Lehmann 1963)."""
    if sorted(canary) == sorted(stable) or len({*canary, *stable}) == 1:
        return False
    shifts = sorted(one - other for one in canary for other in stable)
    pairs, several = len(shifts), len(canary) + len(stable)
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) * math.sqrt(pairs * (several + 1) / 12)
    place = math.floor(pairs / 2 - reach)
    if place < 0:
        return False
    middle = shifts[pairs // 2] if pairs % 2 else (shifts[pairs // 2 - 1] + shifts[pairs // 2]) / 2
    return shifts[place] > tolerance * abs(middle) and _mean(canary) >= _mean(stable)


def _succeeded(served: Counts) -> float:
    return 100 * (1 - served.errors / served.requests) if served.requests else math.nan


def _failed_percent(served: Counts) -> float | None:
    return 100 * served.errors / served.requests if served.requests else None


def _p95(served: Counts) -> float | None:
    return quantile(served.latency, 0.95)


def _values(arm: tuple[Counts | None, ...], value: Callable[[Counts], float | None]) -> list[float]:
    found = (value(served) for served in arm if served is not None)
    return [each for each in found if each is not None]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
