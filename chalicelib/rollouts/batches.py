"""How many instances two releases have, batch by batch, while one takes over from the other. Pure.

With M instances of the stable release, N wanted of the new one, and what `maxSurge` and `maxUnavailable` come to:

1. There are never more than the larger of M and N, and `maxSurge`, in all.
2. A release with a share of the traffic has that share of its full size, less `maxUnavailable`, to the nearest instance, since
   weights are whole percents. So where M is N there are never fewer than N less `maxUnavailable` ready ones.
3. Each batch has more new instances than the one before and no more old ones; the last has all of the new ones.
4. The last instance that serves is never taken away: where `maxUnavailable` would come to all of them it comes to all but one,
   and where both come to nothing one is added. (Kubernetes takes the only one away then; here `recreate` does so.)

In each batch the old release is scaled down, which the weights of the batch before allow; then the new one is scaled up and
awaited; then the traffic moves. Shares are rounded as Kubernetes rounds them: surge up, missing ones down.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

Amount = int | str
"""Instances by number, or as a share of all of them: `25%`."""


@dataclass(frozen=True, slots=True)
class Rolling:
    """What a rolling release may do, and the full sizes of both releases; 0 as long as they are not known."""

    max_surge: Amount = "25%"
    max_unavailable: Amount = "25%"
    stable: int = 0
    wanted: int = 0

    @property
    def most(self) -> int:
        """Instances of both releases that there may be at once."""
        larger = max(self.stable, self.wanted)
        surge = ceil(_share(self.max_surge, larger))
        return larger + (surge or int(self.least(larger) == larger))

    def least(self, size: int) -> int:
        """Of a release's full size, the instances that there must be for all of the traffic."""
        return max(min(1, size), size - floor(_share(self.max_unavailable, size)))


@dataclass(frozen=True, slots=True)
class Batch:
    """The old release's instances and the new one's, and the percent of traffic that the new one gets when they are ready."""

    old: int
    new: int
    weight: int


def batches_of(rolling: Rolling) -> tuple[Batch, ...]:
    """All batches, first to last; none as long as the sizes are not known."""
    made: list[Batch] = []
    new = 0
    while new < rolling.wanted:
        old = _old_beside(rolling, new)
        new = min(rolling.wanted, rolling.most - old)
        made.append(Batch(old, new, round(100 * _served(rolling, new))))
    return tuple(made)


def judged_batches(batches: tuple[Batch, ...]) -> tuple[Batch, ...]:
    """Those that move traffic, each of which is a step. Any later one only adds what may be missing with all the traffic."""
    return tuple(batch for index, batch in enumerate(batches) if index == 0 or batches[index - 1].weight < 100)


def _share(amount: Amount, size: int) -> Fraction:
    return Fraction(amount) if isinstance(amount, int) else Fraction(int(amount.removesuffix("%")) * size, 100)


def _served(rolling: Rolling, new: int) -> Fraction:
    """The share of the traffic that so many new instances can take."""
    return min(Fraction(1), Fraction(new, rolling.least(rolling.wanted)))


def _old_beside(rolling: Rolling, new: int) -> int:
    """The old instances that the rest of the traffic needs."""
    return ceil(rolling.least(rolling.stable) * (1 - _served(rolling, new)))
