"""Which versions of a function or workflow nothing needs any more. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

NEEDED = timedelta(days=31)
"""How long after its successor came a version may be asked for: a deployment waits thirty days for its approval."""
KEPT = 10
"""How many of the newest stay at any age, to go back to."""


@dataclass(frozen=True, slots=True, order=True)
class Version:
    """A version by its number, and when it was made."""

    number: int
    made: datetime


def unneeded(versions: Iterable[Version], named: Iterable[int], now: datetime) -> list[Version]:
    """Those that were succeeded more than 31 days ago, that no alias names, and that are not among the ten newest."""
    known, kept = sorted(versions), frozenset(named)
    succeeded = pairwise(known)
    old = [each for each, successor in succeeded if now - successor.made > NEEDED and each.number not in kept]
    newest = set(known[-KEPT:])
    return [each for each in old if each not in newest]
