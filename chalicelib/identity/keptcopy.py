"""A copy of something that lives elsewhere and changes seldom: fresh enough, and kept when the source is away.

1. The copy is loaded at first need, and again by the first caller who finds it older than `fresh`. That one caller waits for
   the source; all others go on with the old copy meanwhile.
2. When loading fails the last good copy stays in use, and the log says so at most once a minute.
3. Whoever misses something in the copy may ask for a new look. Between two looks, whatever their reason, there are at least
   LOOK_AGAIN, so that no number of strangers asking for what does not exist reaches the source more often.
4. Without a copy, every caller gets the error of the last look until LOOK_AGAIN has passed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from chalicelib.platform.clock import Clock, iso
from chalicelib.platform.errors import CygniError
from chalicelib.platform.logs import log

LOOK_AGAIN = timedelta(seconds=10)
"""The least time between two looks at the source, unless the copy has grown old."""

PATIENCE = 5.0
"""Seconds a caller who misses something waits for a look that another has begun."""

_TELL_AGAIN = timedelta(minutes=1)

T = TypeVar("T")


class KeptCopy(Generic[T]):
    """The copy. `load` is given the copy there is and returns the next, which may be the same object.

    `load` raises CygniError when it fails. `what` names the thing in logs.
    """

    def __init__(self, load: Callable[[T | None], T], clock: Clock, *, fresh: timedelta, what: str) -> None:
        self._load, self._clock, self._fresh, self._what = load, clock, fresh, what
        self._lock = threading.Lock()
        self._copy: T | None = None
        self._error = CygniError(f"{what} were never read.")
        self._loaded: datetime | None = None
        self._looked: datetime | None = None
        self._told: datetime | None = None

    def get(self) -> T:
        """The copy, not older than `fresh` if the source answers. Raises what `load` raised when there is none."""
        copy, now = self._copy, self._clock()
        if copy is not None and not self._due(now):
            return copy
        # With a copy to go on with, nobody waits for another's look.
        if self._lock.acquire(blocking=copy is None):
            try:
                if self._due(self._clock()):
                    self._look()
            finally:
                self._lock.release()
        return self._have()

    def look_again(self) -> T:
        """The copy after another look at the source, if one is due; else the copy as it is."""
        if self._rested(self._clock()) and self._lock.acquire(timeout=PATIENCE):
            try:
                if self._rested(self._clock()):
                    self._look()
            finally:
                self._lock.release()
        return self._have()

    def _due(self, now: datetime) -> bool:
        # A clock that was set back makes an age negative, which must not keep a copy for as long.
        old = self._loaded is None or not timedelta(0) <= now - self._loaded < self._fresh
        return old and (self._loaded == self._looked or self._rested(now))

    def _rested(self, now: datetime) -> bool:
        return self._looked is None or not timedelta(0) <= now - self._looked < LOOK_AGAIN

    def _look(self) -> None:
        begun = self._clock()
        try:
            self._copy = self._load(self._copy)
            self._loaded = begun
        except CygniError as error:
            self._error = error
            self._tell(begun, error)
        self._looked = begun

    def _have(self) -> T:
        if self._copy is None:
            raise self._error.with_traceback(None)  # else every caller's stack would be added to the one error
        return self._copy

    def _tell(self, now: datetime, error: Exception) -> None:
        if self._told is not None and timedelta(0) <= now - self._told < _TELL_AGAIN:
            return
        self._told = now
        since = f"; those of {iso(self._loaded)} stay in use" if self._loaded else ""
        log().warning(f"{self._what} cannot be read{since}", extra={"reason": str(error)})
