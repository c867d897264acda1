"""The blocks of time that a step is judged in, and which samples mark them.

1. Blocks are laid out beforehand, from the step's beginning: `FINE` of one interval each, then `PER_OCTAVE` of equal
   length in each doubling of the step's age. With looks every five seconds a step of ten minutes has 94, one of a day 323, so
   that its evidence stays small.
2. A block ends with the first sample in it, and reaches back to the end of the one before: it can be judged at once, and
   later samples of the same block change nothing. Blocks without a sample fall to the next.
3. Samples that end no block may be left out of what is stored without changing a verdict, but for an arm's first and
   last reading and the newest `RECENT` (`thinned`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise
from math import log2

from chalicelib.rollouts.counts import Arm, Sample

FINE = 64
PER_OCTAVE = 32
RECENT = 5
"""Newest samples that are kept whatever they mark: what custom gates look back on."""


def block_of(age: float, interval: float) -> int:
    """The block that a moment lies in, `age` seconds after the step began; -1 before it."""
    slots = age / interval
    if slots < 0:
        return -1
    if slots < FINE:
        return int(slots)
    octave = int(log2(slots / FINE))
    begins = FINE * 2**octave
    return FINE + PER_OCTAVE * octave + int((slots - begins) * PER_OCTAVE / begins)


def ends(samples: Iterable[Sample], since: datetime, interval: float, *, both: bool) -> tuple[Sample, ...]:
    """The samples that end a block, in order, after the one that the first block counts from.

    A sample counts that has a reading of the canary, and with `both` of the stable version too. `samples` are in order.
    """
    found: list[Sample] = []
    before = -2
    for sample in samples:
        if sample.canary is None or (both and sample.stable is None):
            continue
        block = block_of((sample.at - since).total_seconds(), interval)
        if block > before:
            found.append(sample)
            before = block
    return tuple(found)


def lengths(marks: Sequence[Sample]) -> list[float]:
    """Seconds that each block lasted, between these ends."""
    return [(after.at - before.at).total_seconds() for before, after in pairwise(marks)]


def thinned(samples: Sequence[Sample], since: datetime, interval: float) -> tuple[Sample, ...]:
    """The samples that a verdict depends on, of rebased ones in order."""
    keep = {id(sample) for both in (False, True) for sample in ends(samples, since, interval, both=both)}
    keep.update(id(sample) for sample in samples[-RECENT:])
    for arm in Arm:
        read = [sample for sample in samples if sample.of(arm) is not None]
        keep.update(id(sample) for sample in (*read[:1], *read[-1:]))
    return tuple(sample for sample in samples if id(sample) in keep)
