"""The door to one registered cluster: what calls find is kept in the cluster's record, for all functions that would call.

The record is read to reach the cluster anyway. While the cluster answers nothing else is read or written; only a silence, and
the first answer after one, cost a read and a conditional write.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from chalicelib.platform.errors import ClusterDown
from chalicelib.platform.store import team_store
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.runtime.breaker_rules import CLOSED, Breaker, Door, door, missed, taken
from chalicelib.runtime.models import ClusterRecord, cluster_sk, team_pk

_TRIES = 3
Change = Callable[[Breaker], Breaker]


class ClusterDoor:
    """`platform.kubeport.Doorkeeper` of one task. `owner` is the team whose record the cluster is in."""

    def __init__(self, owner: str, name: str, breaker: Breaker, clock: Callable[[], datetime]) -> None:
        self._owner, self._name, self._clock = owner, name, clock
        self._known, self._trying = breaker, False

    def admit(self) -> None:
        """Raises ClusterDown unless the cluster may be asked now."""
        now = self._clock()
        found = door(self._known, now)
        if self._trying or found is Door.CLOSED or (found is Door.HALF_OPEN and self._take(now)):
            return
        since, again = self._known.since or now, self._known.next_try or now
        raise ClusterDown(
            f"The cluster {self._name} gives no answer since {since:%H:%M:%S}Z; it is asked at {again:%H:%M:%S}Z."
        )

    def answered(self) -> None:
        """The cluster said something."""
        self._trying = False
        if self._known != CLOSED:
            self._known = self._keep(lambda _: CLOSED) or CLOSED

    def missed(self) -> None:
        """The cluster said nothing."""
        now, trying = self._clock(), self._trying
        self._trying = False
        self._known = self._keep(lambda held: missed(held, now, trying=trying)) or missed(self._known, now, trying=trying)

    def _take(self, now: datetime) -> bool:
        """Takes the one try, unless somebody else was first."""
        mine = False

        def claim(held: Breaker) -> Breaker:
            nonlocal mine
            mine = door(held, now) is Door.HALF_OPEN
            return taken(held, now) if mine else held

        kept = self._keep(claim)
        if kept is None:
            return False
        self._known, self._trying = kept, mine
        return mine or door(kept, now) is Door.CLOSED

    def _keep(self, change: Change) -> Breaker | None:
        """Changes what the record has; the breaker as it is then, or None when others changed it too quickly."""
        store = team_store(self._owner)
        for _ in range(_TRIES):
            record = store.fetch(ClusterRecord, team_pk(self._owner), cluster_sk(self._name))
            if record is None:
                return CLOSED
            before = breaker_of(record)
            after = change(before)
            if after == before:
                return before
            put_breaker(record, after)
            try:
                store.commit([Put(record)])
            except ConditionFailed:
                continue
            return after
        return None


def breaker_of(record: ClusterRecord) -> Breaker:
    """What a record has."""
    return Breaker(int(record.silences), record.silent_since, record.next_try)


def put_breaker(record: ClusterRecord, breaker: Breaker) -> None:
    """Puts it there."""
    record.silences, record.silent_since, record.next_try = breaker.failures, breaker.since, breaker.next_try
