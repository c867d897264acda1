"""How many requests one caller may make: so many a minute, counted over all processes without a look-up for each request.

A process lets a caller make the first few requests of a minute by itself. Beyond those it takes blocks of requests out of the
caller's allowance, which is one counter in the store: one round trip for a block. So a person at a terminal never waits for
the counter, and a script that floods is held to the limit whatever number of processes serve it; the limit is exceeded by at
most the few free ones of each process. What a process has not used of a block at the minute's end is lost, which errs on the
safe side. What is kept in memory here may be lost at any time.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime
from typing import Protocol

from chalicelib.platform.errors import RateLimited, Transient
from chalicelib.platform.frozen import dataclass

MINUTE = 60
FREE = 20
"""Requests of a minute that each process lets pass by itself."""
BLOCKS = 10
"""Blocks that a limit is cut into."""
_CALLERS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one caller has of one minute in this process: requests used, and how many may be used; `spent` when no more come."""

    minute: int
    used: int = 0
    granted: int = FREE
    spent: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """The allowance after a request; `ask` says how many to take out of the store's counter first, 0 for none."""

    allowance: Allowance
    ask: int = 0
    refused: bool = False


def step(known: Allowance | None, minute: int, limit: int) -> Step:
    """What comes of one more request in this minute, where `limit` are allowed."""
    have = known if known is not None and known.minute == minute else Allowance(minute, granted=min(FREE, limit))
    if have.used < have.granted:
        return Step(replace(have, used=have.used + 1))
    if have.spent:
        return Step(have, refused=True)
    return Step(have, ask=max(1, limit // BLOCKS))


def granted(have: Allowance, asked: int, total: int, limit: int) -> Allowance:
    """The allowance after the counter was raised by `asked` to `total`: what of the block lies within the limit."""
    more = max(0, min(asked, limit - (total - asked)))
    return replace(have, granted=have.granted + more, spent=more < asked)


class Limits(Protocol):
    """Holds callers to their limits."""

    def admit(self, caller: str, now: datetime, *, per_minute: int | None = None) -> None:
        """Counts one request of a caller. Raises RateLimited, which says when to come again."""


TakeBlock = Callable[[str, int, int], int]
"""(caller, minute, how many) → how many were taken in that minute by then, these among them."""


@dataclass(slots=True)
class SharedLimits:
    """The limits of an installation: `per_minute` where a route does not say otherwise."""

    take: TakeBlock
    per_minute: int
    _known: OrderedDict[str, Allowance] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def admit(self, caller: str, now: datetime, *, per_minute: int | None = None) -> None:
        """Counts one request of a caller. Raises RateLimited. A store that is away holds nobody up."""
        limit = per_minute or self.per_minute
        minute = int(now.timestamp()) // MINUTE
        taken = self._step(caller, minute, limit)
        if taken.ask:
            try:
                total = self.take(caller, minute, taken.ask)
            except Transient:
                return
            with self._lock:
                self._known[caller] = granted(taken.allowance, taken.ask, total, limit)
            taken = self._step(caller, minute, limit)
        if taken.refused or taken.ask:
            wait = MINUTE - int(now.timestamp()) % MINUTE
            raise RateLimited(f"More than {limit} requests came within a minute.", retry_after=wait)

    def _step(self, caller: str, minute: int, limit: int) -> Step:
        with self._lock:
            taken = step(self._known.get(caller), minute, limit)
            self._known[caller] = taken.allowance
            self._known.move_to_end(caller)
            while len(self._known) > _CALLERS:
                self._known.popitem(last=False)
        return taken


def caller_key(caller: str) -> str:
    """What a caller is counted under: its name may be an address, which is nobody's to keep."""
    return hashlib.sha256(caller.encode("utf-8", "surrogateescape")).hexdigest()[:32]
