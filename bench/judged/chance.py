"""Random counts, quickly enough for millions of them; the same for the same seed on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

_LARGE = 60.0


def binomial(random: Random, trials: int, share: float) -> int:
    """How many of so many trials succeed. Of many, by the normal distribution, rounded."""
    if trials <= 0 or share <= 0:
        return 0
    if share >= 1:
        return trials
    if share > 0.5:
        return trials - binomial(random, trials, 1 - share)
    variance = trials * share * (1 - share)
    if variance > _LARGE:
        return min(trials, max(0, round(random.gauss(trials * share, math.sqrt(variance)))))
    found, place, step = 0, 0, math.log1p(-share)
    while True:  # from success to success, whose distances are geometric
        place += int(math.log(1.0 - random.random()) / step) + 1
        if place > trials:
            return found
        found += 1


def poisson(random: Random, mean: float) -> int:
    """How many events of a steady stream come in a stretch that has `mean` on average."""
    if mean > _LARGE:
        return max(0, round(random.gauss(mean, math.sqrt(mean))))
    limit, product, count = math.exp(-mean), random.random(), 0
    while product > limit:
        product *= random.random()
        count += 1
    return count


def spread_over(random: Random, total: int, shares: Sequence[float]) -> list[int]:
    """So many things put into boxes with these shares, which sum to 1."""
    counts, left, rest = [], total, 1.0
    for share in shares[:-1]:
        taken = binomial(random, left, share / rest) if left and rest > 0 else 0
        counts.append(taken)
        left, rest = left - taken, rest - share
    return [*counts, left]
