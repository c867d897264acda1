"""Which partition of the tables and their indexes is the hottest at the target: a simulation of some minutes, seeded.

A thousand rollouts are under way throughout, at the beginning each at another point of its trace, and at least ten deployments
a second are asked for, of services that are the more popular the nearer they are to the first (Zipf's law). A lane has one
active deployment and one that waits, as in Cygni. Each rollout is followed by somebody, and each minute begins with the rounds.
"""

from __future__ import annotations

import random
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import accumulate

from bench.scaled.fill import SEED
from bench.scaled.trace import Stroke, Trace
from bench.store_count import Touch
from chalicelib.identity.limits import BLOCKS
from chalicelib.identity.tokens import LIFE
from chalicelib.projects.names import ServiceKey

WRITES, READS = 1000, 3000
"""Units a second that one partition of DynamoDB serves."""
BEGAN, WAITED, SUPERSEDED = "began at once", "waited", "took another's place"
DEPLOYS, ROLLOUTS, SECONDS, MINUTE = 10, 1000, 180, 60
_COUNTED = tuple(
    Stroke(MINUTE * each / BLOCKS, Touch("cygni-identity", "LIMIT#{deployment}", written=1)) for each in range(BLOCKS)
)
"""What the count of a follower's requests costs at most in a minute: all blocks of their limit."""
SKEW = 1.0
"""Zipf's exponent: at 1 the most popular of 50,000 services is asked for each eleventh time."""


@dataclass
class Heat:
    """Units by table, partition and second; and what happened."""

    written: Tally[tuple[str, str, int]] = field(default_factory=Tally)
    read: Tally[tuple[str, str, int]] = field(default_factory=Tally)
    happened: Tally[str] = field(default_factory=Tally)
    under_way: list[int] = field(default_factory=list)

    def add(self, strokes: Iterable[Stroke], names: Mapping[str, str], began: float, until: float = float("inf")) -> None:
        """Adds what is touched from the beginning of the simulation to its end."""
        for stroke in strokes:
            at = began + stroke.at
            if 0 <= at < min(until, SECONDS):
                self.add_at(stroke, names, int(at))

    def add_at(self, stroke: Stroke, names: Mapping[str, str], second: int) -> None:
        """Adds one touch."""
        place = (*stroke.of(names), second)
        if stroke.touch.written:
            self.written[place] += stroke.touch.written  # type: ignore[assignment]
        if stroke.touch.read:
            self.read[place] += stroke.touch.read  # type: ignore[assignment]

    def hottest(self) -> dict[str, tuple[str, float, str, float]]:
        """Of each table and index: the partition and the units of the busiest second, of writes and of reads."""
        found: dict[str, tuple[str, float, str, float]] = {}
        for table in sorted({place[0] for place in (*self.written, *self.read)}):
            write, read = _most(self.written, table), _most(self.read, table)
            found[table] = (*write, *read)
        return found

    def per_second(self, tally: Tally[tuple[str, str, int]], table: str) -> float:
        """Units of all partitions of a table in its busiest second."""
        seconds: Tally[int] = Tally()
        for (where, _, second), units in tally.items():
            if where == table:
                seconds[second] += units
        return max(seconds.values(), default=0)


def simulate(
    trace: Trace, keys: Sequence[ServiceKey], *, look_every: float, rounds: Sequence[Stroke] = (), seed: int = SEED
) -> Heat:
    """Some minutes at the target, over these services, the first of which are the most popular.

    Whoever follows a rollout looks each `look_every` seconds. `rounds` is what each minute begins with.
    """
    return _Simulation(trace, keys, random.Random(seed), look_every, rounds).run()


class _Simulation:
    def __init__(
        self, trace: Trace, keys: Sequence[ServiceKey], rng: random.Random, look_every: float, rounds: Sequence[Stroke]
    ) -> None:
        self.trace, self.keys, self.rng, self.look_every, self.rounds = trace, keys, rng, look_every, rounds
        self.heat = Heat()
        self.weights = list(accumulate(1 / rank**SKEW for rank in range(1, len(keys) + 1)))
        self.lanes: dict[ServiceKey, bool] = {}
        """Services with a deployment under way, and whether another waits."""
        self.ends: list[tuple[float, int]] = []
        self.keys_of: dict[int, ServiceKey] = {}
        self.count = 0

    def run(self) -> Heat:
        while len(self.ends) < ROLLOUTS:
            key = self._chosen()
            if key not in self.lanes:
                self._begin(key, -self.rng.uniform(0, self.trace.seconds))
        for second in range(SECONDS):
            for at in sorted(second + self.rng.random() for _ in range(DEPLOYS)):
                self._end_until(at)
                self._ask(self._chosen(), at)
            while len(self.ends) < ROLLOUTS:  # popular services take each other's places, and leave too few under way
                self._ask(self._chosen(), second + 1 - 1e-6)
            self.heat.under_way.append(len(self.ends))
            if second % MINUTE == 0:
                self.heat.add(self.rounds, {}, second)
        return self.heat

    def _chosen(self) -> ServiceKey:
        return self.rng.choices(self.keys, cum_weights=self.weights)[0]

    def _ask(self, key: ServiceKey, at: float) -> None:
        names = self._names(key)
        if key not in self.lanes:
            self.heat.add(self.trace.begins, names, at)
            self.heat.happened[BEGAN] += 1
            self._begin(key, at, names)
        elif not self.lanes[key]:
            self.heat.add(self.trace.waits, names, at)
            self.heat.happened[WAITED] += 1
            self.lanes[key] = True
        else:
            self.heat.add(self.trace.supersedes, names, at)
            self.heat.happened[SUPERSEDED] += 1

    def _begin(self, key: ServiceKey, at: float, names: Mapping[str, str] | None = None) -> None:
        names = names or self._names(key)
        self.lanes[key] = False
        self.keys_of[self.count] = key
        heappush(self.ends, (at + self.trace.seconds, self.count))
        self.heat.add(self.trace.rest, names, at)
        if self.rng.random() < self.trace.seconds / LIFE.total_seconds():
            self.heat.add(self.trace.refresh, names, at + self.rng.uniform(0, self.trace.seconds))
        self.heat.add(_COUNTED, names, at)
        look = self.rng.uniform(0, self.look_every)
        while look < self.trace.seconds:
            self.heat.add(self.trace.look, names, at + look)
            look += self.look_every

    def _end_until(self, at: float) -> None:
        while self.ends and self.ends[0][0] <= at:
            ended, number = heappop(self.ends)
            key = self.keys_of.pop(number)
            waits = self.lanes.pop(key)
            self.heat.happened["ended"] += 1
            if waits:
                self._begin(key, ended)

    def _names(self, key: ServiceKey) -> dict[str, str]:
        self.count += 1
        service = f"{key.project}#{key.environment}#{key.service}"
        return {"team": key.team, "project": key.project, "service": service, "deployment": f"d{self.count}"}


def _most(tally: Tally[tuple[str, str, int]], table: str) -> tuple[str, float]:
    (found, units) = max(
        ((place, units) for place, units in tally.items() if place[0] == table),
        key=lambda each: each[1],
        default=(("", "", 0), 0),
    )
    return found[1], float(units)
