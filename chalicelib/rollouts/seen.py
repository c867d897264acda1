"""What a step's samples amount to for its gates: counts of bad requests, block by block."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from chalicelib.rollouts.blocks import RECENT, ends
from chalicelib.rollouts.counts import Arm, Counts, Sample, Window, quantile, surely_slower
from chalicelib.rollouts.evalues import Trials

ENOUGH_FOR_P95 = 100
"""Requests of the stable version that must be known before its 95th percentile is compared with."""

Count = Callable[[Counts], Trials]
"""Counts the bad requests of a reading."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A step's traffic: totals of both arms, and the samples that end its blocks (`alone` where only the canary is needed).

    `recent` are the newest samples of the step, for custom gates. All of them count from the step's beginning.
    """

    canary: Window
    stable: Window
    alone: tuple[Sample, ...]
    pairs: tuple[Sample, ...]
    recent: tuple[Sample, ...]

    @classmethod
    def of(cls, counted: Sequence[Sample], since: datetime, interval: int) -> Seen:
        """The step that began at `since`, by rebased samples."""
        canary, stable = (_whole(counted, arm) for arm in Arm)
        alone, pairs = (ends(counted, since, interval, both=both) for both in (False, True))
        return cls(canary, stable, alone, pairs, tuple(sample for sample in counted[-RECENT:] if sample.at > since))

    @property
    def alone_by_design(self) -> bool:
        """Whether the canary is given all the traffic."""
        return bool(self.recent) and self.recent[-1].weight >= 100

    @property
    def uncompared(self) -> bool:
        """Whether there is nothing to compare with: the stable version was never read, or is given no traffic."""
        return self.stable.counts is None or self.alone_by_design


def failed(counts: Counts) -> Trials:
    """Requests that were answered 5xx."""
    return Trials(counts.errors, counts.requests)


def slower_than(seconds: float) -> Count:
    """Counts requests that were slower, whatever happened inside a bucket."""
    return lambda counts: Trials(surely_slower(counts.latency, seconds), counts.latency[-1][1] if counts.latency else 0)


def canary_blocks(seen: Seen, count: Count) -> list[Trials]:
    """The canary's bad requests of each block."""
    return _increments([count(sample.canary) for sample in seen.alone if sample.canary is not None])


def paired_blocks(seen: Seen, count: Count) -> list[tuple[Trials, Trials]]:
    """Both versions' bad requests of each block, the canary's first."""
    both = [(sample.canary, sample.stable) for sample in seen.pairs if sample.canary and sample.stable]
    canary, stable = (_increments([count(pair[arm]) for pair in both]) for arm in (0, 1))
    return list(zip(canary, stable, strict=True))


def slow_pairs(seen: Seen, increase: float) -> list[tuple[Trials, Trials]]:
    """As `paired_blocks`, where slow is what takes `increase` percent longer than 95 % of the stable version's requests did.

    What the stable version's were is taken from the blocks before, so that no block chooses its own yardstick; blocks of
    which too little was known then have no requests.
    """
    both = [(sample.canary, sample.stable) for sample in seen.pairs if sample.canary and sample.stable]
    blocks = []
    for (canary, stable), (later_canary, later_stable) in pairwise(both):
        seconds = slow_bound(stable, increase)
        if seconds is None:
            blocks.append((Trials(0, 0), Trials(0, 0)))
        else:
            count = slower_than(seconds)
            blocks.append((_less(count(later_canary), count(canary)), _less(count(later_stable), count(stable))))
    return blocks


def slow_bound(stable: Counts, increase: float) -> float | None:
    """The first bucket bound that is `increase` percent above the stable version's 95th percentile; None if not known.

    Where there is no such bound it is the last finite one: nothing slower can be told apart.
    """
    p95 = quantile(stable.latency, 0.95)
    if p95 is None or stable.latency[-1][1] < ENOUGH_FOR_P95 or len(stable.latency) < 2:
        return None
    above = (bound for bound, _ in stable.latency[:-1] if bound >= p95 * (1 + increase / 100))
    return next(above, stable.latency[-2][0])


def _whole(counted: Sequence[Sample], arm: Arm) -> Window:
    """All that an arm served, by samples that count from the beginning."""
    found = ((sample.of(arm), sample.at) for sample in reversed(counted))
    return next((Window(counts, at) for counts, at in found if counts is not None), Window(None, None))


def _increments(totals: Sequence[Trials]) -> list[Trials]:
    return [_less(after, before) for before, after in pairwise(totals)]


def _less(after: Trials, before: Trials) -> Trials:
    bad, total = after[0] - before[0], after[1] - before[1]
    return Trials(bad if bad > 0 else 0, total if total > 0 else 0)  # bounds that were given up count less than before
