"""Simulated traffic: what a gateway would have counted of a canary and a stable version, look by look.

Requests come as a Poisson stream and go to the canary with the step's weight. Latency is log-normal, with a median of 80 ms
and 95 % within 215 ms. Looks are `INTERVAL` seconds apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from random import Random
from statistics import NormalDist

from bench.judged.chance import binomial, poisson, spread_over
from chalicelib.rollouts.counts import Counts, Sample

INTERVAL = 5
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
BOUNDS = (0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, math.inf)
MEDIAN, SIGMA = 0.08, 0.6
LATEST = 20.0
SHORT = ((20, 180), (50, 420))
LONG = ((20, 300), (50, 1500))
"""Schedules: percent and seconds of each step; ten minutes, and half an hour."""

Course = Callable[[float], float]
"""Something that changes with the seconds since the rollout began."""


def always(value: float) -> Course:
    """A course that does not change."""
    return lambda _: value


@dataclass(frozen=True, slots=True)
class World:
    """What happens during one rollout.

    `canary` and `stable` are shares of failed requests, `slower` and `stable_slower` factors on latency, `tail` the share of
    the canary's requests that takes a second more. With `clump` above 1 the canary's failures come so many at a time, with
    `stable_clump` the stable version's; with `noise` the canary's share varies from look to look, log-normally about its
    mean; with `pods` it runs so many, and one of them fails `bad_pod` of its requests. `missing` is the share of readings
    that fail, `resets` the moments of a restart, `late` the share of looks that come up to `LATEST` seconds late; as many
    come again.
    """

    rate: float
    canary: Course
    stable: Course
    steps: tuple[tuple[int, int], ...] = SHORT
    slower: Course = field(default=always(1.0))
    stable_slower: Course = field(default=always(1.0))
    tail: Course = field(default=always(0.0))
    clump: int = 1
    stable_clump: int = 1
    noise: float = 0.0
    pods: int = 0
    bad_pod: float = 0.0
    missing: float = 0.0
    resets: tuple[float, ...] = ()
    late: float = 0.0
    silent: bool = False


@dataclass
class _Counter:
    """One version's counters."""

    requests: int = 0
    errors: int = 0
    buckets: list[int] = field(default_factory=lambda: [0] * len(BOUNDS))
    pods: dict[str, tuple[int, int]] = field(default_factory=dict)

    def reading(self) -> Counts:
        within, latency = 0, []
        for bound, count in zip(BOUNDS, self.buckets, strict=True):
            within += count
            latency.append((bound, within))
        pods = tuple((name, requests, errors) for name, (requests, errors) in self.pods.items())
        return Counts(self.requests, self.errors, tuple(latency), pods)


@dataclass(frozen=True, slots=True)
class Stream:
    """A rollout's looks, of each step those that are its own, begun by the one just before; and what really failed.

    `arrived` says of each step when its looks came, in seconds since the rollout began: (moment, place in the step).
    """

    steps: tuple[tuple[Sample, ...], ...]
    failed: tuple[int, ...]
    arrived: tuple[tuple[tuple[float, int], ...], ...] = ()

    def failed_until(self, seconds: float) -> int:
        """Requests of users that the canary failed until then."""
        return self.failed[min(len(self.failed) - 1, int(seconds // INTERVAL))]


def simulate(world: World, seed: int) -> Stream:
    """The stream that a world gives with this seed."""
    random = Random(seed)
    canary, stable = _Counter(), _Counter()
    at, failed, steps, arrived = 0.0, [0], [], []
    last = _look(world, random, 0.0, world.steps[0][0], canary, stable, certain=True)
    for weight, seconds in world.steps:
        looks = [last]
        for _ in range(seconds // INTERVAL):
            at += INTERVAL
            if any(at - INTERVAL < reset <= at for reset in world.resets):
                canary, stable = _Counter(), _Counter()
            before = canary.errors
            _serve(world, random, at, weight, canary, stable)
            failed.append(failed[-1] + canary.errors - before)
            looks.append(_look(world, random, at, weight, canary, stable))
        last = looks[-1]
        steps.append(tuple(looks))
        arrived.append(_arrivals(world, random, looks, at))
    return Stream(tuple(steps), tuple(failed), tuple(arrived))


def _arrivals(world: World, random: Random, looks: list[Sample], end: float) -> tuple[tuple[float, int], ...]:
    """When each look comes, in order; the first is at hand when the step begins, and what comes after its end is lost."""
    taken = [(look.at - BEGIN).total_seconds() for look in looks]
    if not world.late:
        return tuple((at, place) for place, at in enumerate(taken))
    came = [(taken[0], 0)]
    for place, at in enumerate(taken[1:], 1):
        came += [(at + (random.uniform(0, LATEST) if random.random() < world.late else 0.0), place)]
        came += [(at + random.uniform(0, LATEST), place)] * (random.random() < world.late)
    return tuple(sorted(each for each in came if each[0] <= end))


def _look(
    world: World, random: Random, at: float, weight: int, canary: _Counter, stable: _Counter, *, certain: bool = False
) -> Sample:
    lost = [not certain and (world.silent or random.random() < world.missing) for _ in range(2)]
    readings = [None if gone else counter.reading() for gone, counter in zip(lost, (canary, stable), strict=True)]
    return Sample(BEGIN + timedelta(seconds=at), weight, readings[0], readings[1])


def _serve(world: World, random: Random, at: float, weight: int, canary: _Counter, stable: _Counter) -> None:
    requests = poisson(random, world.rate * INTERVAL)
    here = binomial(random, requests, weight / 100)
    there = requests - here
    _count(stable, there, _failed(random, there, world.stable(at), world.stable_clump), random, world.stable_slower(at), 0.0)
    share = world.canary(at)
    if world.noise:
        share = min(1.0, share * math.exp(random.gauss(-(world.noise**2) / 2, world.noise)))
    errors = _by_pod(world, random, here, share, canary) if world.pods else _failed(random, here, share, world.clump)
    _count(canary, here, errors, random, world.slower(at), world.tail(at))


def _failed(random: Random, requests: int, share: float, clump: int) -> int:
    """How many requests fail, so many at a time."""
    if clump == 1:
        return binomial(random, requests, share)
    return min(requests, clump * poisson(random, requests * share / clump))


def _by_pod(world: World, random: Random, requests: int, share: float, canary: _Counter) -> int:
    whole = 0
    for pod, served in enumerate(spread_over(random, requests, [1 / world.pods] * world.pods)):
        errors = binomial(random, served, world.bad_pod if pod == 0 else share)
        had = canary.pods.get(f"pod-{pod}", (0, 0))
        canary.pods[f"pod-{pod}"] = (had[0] + served, had[1] + errors)
        whole += errors
    return whole


def _count(counter: _Counter, requests: int, errors: int, random: Random, slower: float, tail: float) -> None:
    counter.requests += requests
    counter.errors += errors
    for place, count in enumerate(spread_over(random, requests, _latency(slower, tail))):
        counter.buckets[place] += count


@lru_cache(maxsize=4096)
def _latency(slower: float, tail: float) -> tuple[float, ...]:
    """The share of requests in each bucket, where `tail` of them take a second more."""
    normal = NormalDist(math.log(MEDIAN * slower), SIGMA)

    def within(bound: float) -> float:
        late = normal.cdf(math.log(bound - 1)) if 1 < bound < math.inf else float(bound > 1)
        quick = normal.cdf(math.log(bound)) if bound < math.inf else 1.0
        return (1 - tail) * quick + tail * late

    edges = [0.0, *(within(bound) for bound in BOUNDS)]
    return tuple(upper - lower for lower, upper in pairwise(edges))
