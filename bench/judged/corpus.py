"""The labelled corpus: which traffic is good, which is bad, and which is neither.

Labels are given by how the traffic was made, never by what a judge says of it:

- **good**: canary and stable version have the same share of failed and of slow requests at every moment, whatever happens to
  both: healthy ones, shared outages, and faults of the readings. Their failures may come in bursts, if not on the canary alone.
- **noisy**: good on average, but the canary's failures alone vary more than by chance, or one pod of many fails.
- **bad**: from some moment on the canary's excess over the stable version lies in the detectable region: at 20 requests a
  second or more at least 1 percentage point more failed requests and twice as many, or half as many again from 200 a second
  on; from 2 a second on at least 10 points more; or twice the latency.
- **small**: worse, but by less than that: either verdict is fine, and none is counted. So it is with one slow pod of many:
  readings tell failures by pod, not latency, so that nothing tells it from a release whose every pod is slow now and then.
- **empty**: no traffic, or no readings. Neither promoting nor rolling back rests on anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

from bench.judged.streams import LONG, SHORT, Course, World, always

GOOD, NOISY, BAD, SMALL, EMPTY = "good", "noisy", "bad", "small", "empty"
Make = Callable[[Random], World]


@dataclass(frozen=True, slots=True)
class Kind:
    """Traffic of one kind: how many streams of it there are, and how one is made."""

    name: str
    label: str
    count: int
    make: Make
    begins: Callable[[World], float] = lambda _: 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """One stream to come: its kind, its world and its seed. `began` is when the fault began, in seconds."""

    kind: Kind
    world: World
    seed: int
    began: float


def corpus(*, every: int = 1) -> Iterator[Case]:
    """All cases in order, or one in so many of each kind. The same in every process."""
    for number, kind in enumerate(KINDS):
        for index in range(0, kind.count, every):
            random = Random(number * 1_000_003 + index)
            world = kind.make(random)
            yield Case(kind, world, number * 7_919_000 + index, kind.begins(world))


def _pick(random: Random, *choices: float) -> float:
    return choices[random.randrange(len(choices))]


def _healthy(steps: tuple[tuple[int, int], ...]) -> Make:
    def make(random: Random) -> World:
        share = always(_pick(random, 0, 0.001, 0.005, 0.01, 0.02, 0.04))
        return World(_pick(random, 2, 20, 200, 2000), share, share, steps)

    return make


def _outage(random: Random) -> World:
    begins, lasts = random.uniform(10, 500), _pick(random, 30, 120, 3600)
    base, level = _pick(random, 0.001, 0.01), _pick(random, 0.05, 0.2, 0.6, 1.0)

    def share(at: float) -> float:
        return level if begins <= at < begins + lasts else base

    return World(_pick(random, 20, 200, 2000), share, share)


def _drift(random: Random) -> World:
    base, level = _pick(random, 0.001, 0.01), _pick(random, 0.05, 0.2, 0.5)
    share: Course = lambda at: base + (level - base) * at / 600  # noqa: E731 - a course, as all others
    return World(_pick(random, 20, 200, 2000), share, share)


def _shared_slowness(random: Random) -> World:
    begins, factor = random.uniform(10, 500), _pick(random, 2, 5, 10)
    slower: Course = lambda at: factor if at >= begins else 1.0  # noqa: E731
    share = always(0.005)
    return World(_pick(random, 20, 200), share, share, slower=slower, stable_slower=slower)


def _shared_noise(random: Random) -> World:
    base, level = _pick(random, 0.005, 0.01, 0.02), [random.lognormvariate(-0.32, 0.8) for _ in range(400)]
    share: Course = lambda at: min(1.0, base * level[int(at) // 5])  # noqa: E731
    return World(_pick(random, 20, 200, 2000), share, share)


def _bursts(random: Random) -> World:
    share = always(_pick(random, 0.005, 0.01, 0.02))
    return World(_pick(random, 20, 200), share, share, clump=int(_pick(random, 3, 5, 10, 20)))


def _bursts_of(*, canary: bool) -> Make:
    """Bursts that are the stable version's alone, or come to both independently of each other."""

    def make(random: Random) -> World:
        share, clump = always(_pick(random, 0.005, 0.01, 0.02)), int(_pick(random, 3, 5, 10, 20))
        return World(_pick(random, 20, 200), share, share, clump=clump if canary else 1, stable_clump=clump)

    return make


def _slow_pod(random: Random) -> World:
    """One pod of so many takes a second more for each request."""
    share = always(_pick(random, 0.001, 0.005))
    return World(_pick(random, 20, 200), share, share, tail=always(1 / _pick(random, 8, 12)))


def _restless(random: Random) -> World:
    share = always(_pick(random, 0.005, 0.01, 0.02))
    return World(_pick(random, 20, 200, 2000), share, share, noise=_pick(random, 0.3, 0.5, 0.8))


def _bad_pod(random: Random) -> World:
    share = always(_pick(random, 0.001, 0.005, 0.01))
    pods = int(_pick(random, 8, 12, 20))
    return World(_pick(random, 20, 200, 2000), share, share, pods=pods, bad_pod=_pick(random, 0.05, 0.2, 0.5, 1.0))


def _faulty(share: float) -> Make:
    """Readings that fail, come late and twice, and counters that begin again."""

    def make(random: Random) -> World:
        base = _pick(random, 0.001, 0.005, 0.01)
        resets = tuple(random.uniform(5, 600) for _ in range(random.randrange(4)))
        canary = always(max(share, base))
        missing = _pick(random, 0.0, 0.2, 0.5)
        return World(_pick(random, 20, 200), canary, always(base), missing=missing, resets=resets, late=0.25)

    return make


def _worse(factor: float, bases: tuple[float, ...], rates: tuple[float, ...], steps: tuple[tuple[int, int], ...]) -> Make:
    def make(random: Random) -> World:
        base = _pick(random, *bases)
        return World(_pick(random, *rates), always(min(1.0, base * factor)), always(base), steps)

    return make


def _failing(share: float, rates: tuple[float, ...]) -> Make:
    return lambda random: World(_pick(random, *rates), always(share), always(_pick(random, 0, 0.001, 0.005, 0.01)))


@dataclass(frozen=True, slots=True)
class _Leak:
    """A share that rises from one moment on, within so many seconds."""

    base: float
    level: float
    begins: float
    within: float

    def __call__(self, at: float) -> float:
        risen = min(1.0, max(0.0, (at - self.begins) / self.within))
        return self.base + (self.level - self.base) * risen


def _leak(random: Random) -> World:
    base = _pick(random, 0.001, 0.005, 0.01)
    course = _Leak(base, _pick(random, 0.05, 0.1, 0.2, 0.5), random.uniform(60, 1000), _pick(random, 1, 60, 300))
    return World(_pick(random, 20, 200), course, always(base), LONG)


def _leak_begins(world: World) -> float:
    return world.canary.begins if isinstance(world.canary, _Leak) else 0.0


def _slow(random: Random) -> World:
    share = always(_pick(random, 0.001, 0.005))
    return World(_pick(random, 20, 200), share, share, LONG, slower=always(_pick(random, 2.5, 3, 5)))


def _tail(random: Random) -> World:
    share = always(_pick(random, 0.001, 0.005))
    return World(_pick(random, 20, 200), share, share, tail=always(_pick(random, 0.12, 0.2, 0.4)))


def _worse_in_an_outage(random: Random) -> World:
    level = _pick(random, 0.05, 0.1)
    return World(_pick(random, 20, 200), always(level * 3), always(level), LONG)


def _a_little_worse(random: Random) -> World:
    base = _pick(random, 0.005, 0.01, 0.02)
    return World(_pick(random, 20, 200), always(base * _pick(random, 1.1, 1.2)), always(base), SHORT)


def _nobody(random: Random) -> World:
    share = always(0.01)
    silent = random.random() < 0.5
    return World(20 if silent else 0, share, share, silent=silent)


_SLOWLY, _ALL = (20.0, 200.0), (2.0, 20.0, 200.0)
KINDS = (
    Kind("healthy", GOOD, 360, _healthy(SHORT)),
    Kind("healthy, half an hour", GOOD, 120, _healthy(LONG)),
    Kind("outage of both", GOOD, 160, _outage),
    Kind("drift of both", GOOD, 80, _drift),
    Kind("both slow", GOOD, 60, _shared_slowness),
    Kind("noise of both", GOOD, 60, _shared_noise),
    Kind("faulty readings", GOOD, 100, _faulty(0.0)),
    Kind("bursts on the canary", NOISY, 100, _bursts),
    Kind("noise on the canary", NOISY, 100, _restless),
    Kind("one bad pod of many", NOISY, 100, _bad_pod),
    Kind("1.5 times the errors", BAD, 40, _worse(1.5, (0.02, 0.04), (200.0,), LONG)),
    Kind("twice the errors", BAD, 100, _worse(2, (0.01, 0.02, 0.03), _SLOWLY, LONG)),
    Kind("4 times the errors", BAD, 120, _worse(4, (0.005, 0.01, 0.02), _SLOWLY, LONG)),
    Kind("10 times the errors", BAD, 80, _worse(10, (0.0025, 0.005, 0.01), _SLOWLY, SHORT)),
    Kind("20 % fail", BAD, 120, _failing(0.2, _SLOWLY)),
    Kind("50 % fail", BAD, 80, _failing(0.5, _ALL)),
    Kind("all fail", BAD, 80, _failing(1.0, _ALL)),
    Kind("leak that begins late", BAD, 120, _leak, _leak_begins),
    Kind("slower", BAD, 80, _slow),
    Kind("slow tail", BAD, 60, _tail),
    Kind("20 % fail, faulty readings", BAD, 60, _faulty(0.2)),
    Kind("worse in an outage", BAD, 60, _worse_in_an_outage),
    Kind("a little worse", SMALL, 60, _a_little_worse),
    Kind("no traffic", EMPTY, 40, _nobody),
    Kind("bursts on both", GOOD, 100, _bursts_of(canary=True)),
    Kind("bursts on the stable version", GOOD, 100, _bursts_of(canary=False)),
    Kind("4 times the errors, of 0.1 %", SMALL, 20, _worse(4, (0.001,), (20.0,), LONG)),
    Kind("twice the errors, of 0.5 %", SMALL, 20, _worse(2, (0.005,), (20.0,), LONG)),
    Kind("one slow pod of many", SMALL, 40, _slow_pod),
)
