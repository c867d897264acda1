"""Whether a cluster that gave no answer may be asked again. Pure: the state and the time in, the next state out.

1. A cluster is asked as long as fewer than `OPENS_AFTER` calls in a row found nobody: its breaker is closed.
2. Then nobody asks it before `next_try`. Whoever comes first after that takes the one try, and all others go on waiting.
3. An answer, whatever it says, closes the breaker; another silence doubles the wait, up to `LONGEST`.
4. A silence that is heard while the breaker is open changes nothing: who began to ask before it opened does not prolong it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

OPENS_AFTER = 3
"""Calls in a row without an answer after which a cluster counts as away."""
FIRST, LONGEST = timedelta(seconds=5), timedelta(seconds=60)
"""The first wait for another try, and the longest."""
TRYING = timedelta(seconds=30)
"""How long the one try may take before somebody else has it: longer than a client waits for an answer."""


class Door(StrEnum):
    """What the next caller finds."""

    CLOSED = "closed"
    """The breaker is closed: ask."""
    OPEN = "open"
    """Do not ask."""
    HALF_OPEN = "half-open"
    """One may ask, who takes the try first."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` calls in a row found nobody, the first at `since`; `next_try` is set while the breaker is open."""

    failures: int = 0
    since: datetime | None = None
    next_try: datetime | None = None


CLOSED = Breaker()


def door(breaker: Breaker, now: datetime) -> Door:
    """What a caller finds now."""
    if breaker.next_try is None:
        return Door.CLOSED
    return Door.OPEN if now < breaker.next_try else Door.HALF_OPEN


def taken(breaker: Breaker, now: datetime) -> Breaker:
    """After somebody took the one try."""
    return Breaker(breaker.failures, breaker.since, now + TRYING)


def missed(breaker: Breaker, now: datetime, *, trying: bool) -> Breaker:
    """After a call found nobody. `trying` says that it was the one try."""
    if breaker.next_try is not None and not trying:
        return breaker
    failures = breaker.failures + 1
    return Breaker(failures, breaker.since or now, now + pause(failures) if failures >= OPENS_AFTER else None)


def pause(failures: int) -> timedelta:
    """How long to wait after so many silences."""
    doublings = min(max(failures - OPENS_AFTER, 0), 16)
    return min(FIRST * (1 << doublings), LONGEST)
