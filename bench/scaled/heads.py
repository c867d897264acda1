"""How many changes a second one team can make, each of which writes the head of its audit trail: a seeded simulation.

A change reads the head, and writes it under the version that it read, with what it changes, in one transaction. One that
lost pauses, reads the head again and writes again, as `Store` does, up to as many tries as it has.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from heapq import heappop, heappush

from bench.scaled.fill import SEED
from chalicelib.platform.store import TRIES, longest_pause

FIRST, AGAIN = 0.04, 0.015
"""Seconds from a change's read of the head until its write is decided on: with what it computes in between, and without."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What came of a crowd of changes: tries that one took on the average, and the share that was told to come again."""

    rate: float
    tries: float
    refused: float


def crowd(rate: float, *, seconds: float = 300, seed: int = SEED) -> Crowd:
    """So many changes a second of one team, at random moments."""
    rng = random.Random(seed)
    waiting: list[tuple[float, int, int, int]] = []  # when it writes, its number, its try, the version that it read
    at, number = 0.0, 0
    while at < seconds:
        at += rng.expovariate(rate)
        heappush(waiting, (at, number, 0, -1))
        number += 1
    version, tries, refused = 0, 0, 0
    while waiting:
        now, which, attempt, read = heappop(waiting)
        if read < 0:  # it reads now, and writes later
            heappush(waiting, (now + (AGAIN if attempt else FIRST), which, attempt, version))
            continue
        tries += 1
        if read == version:
            version += 1
        elif attempt + 1 == TRIES:
            refused += 1
        else:
            heappush(waiting, (now + rng.uniform(0, longest_pause(attempt)), which, attempt + 1, -1))
    return Crowd(rate, tries / number, refused / number)
