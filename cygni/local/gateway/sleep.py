"""Services that sleep: put to sleep when nobody asks for them, woken by the first request, which is held until they answer.

1. Only a Service that says so (`cygni.dev/idle-seconds`) sleeps, and only while it has all the traffic of its rules: during a
   rollout both releases stay awake, so that a verdict never waits for a start.
2. No request is lost: one that finds nobody awake is held until a pod is ready, or for `hold` seconds, and then told so.
3. Waking and putting to sleep are one conditional write each, and may be done again: the gateway remembers nothing that a
   restart would miss but since when a Service is idle, which begins anew.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Protocol

from cygni.local.gateway.table import Backend, SeriesKey, Table

log = logging.getLogger(__name__)
Name = tuple[str, str]
"""Namespace and name of a Service, and of its Deployment."""
_AGAIN = 2.0
"""Seconds after which a pod that is still not there is asked for once more: the first wish may have been lost."""


class Scaler(Protocol):
    """Who sets the number of a Deployment's pods. Each raises OSError when the cluster cannot be asked now."""

    def wake(self, namespace: str, name: str) -> None:
        """One pod, if there are none. A Deployment that has some, or is gone, is left as it is."""

    def sleep(self, namespace: str, name: str) -> None:
        """No pods."""


class Nobody:
    """Scales nothing: a gateway that was given no cluster to write to."""

    def wake(self, namespace: str, name: str) -> None:
        """See Scaler."""

    def sleep(self, namespace: str, name: str) -> None:
        """See Scaler."""


class Sleepers:
    """What sleeps and what is about to. Used from the loop's thread alone; the scaler is called in others."""

    def __init__(self, scaler: Scaler, hold: float, clock: Callable[[], float], again: float = _AGAIN) -> None:
        self._scaler, self._hold, self._clock, self._again = scaler, hold, clock, again
        self._table = Table()
        self._changed = asyncio.Event()
        self._last: dict[Name, float] = {}
        self._busy: Counter[Name] = Counter()
        self._asked: dict[Name, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def table_replaced(self, table: Table) -> None:
        """Takes over who is awake; whoever just became so has the whole of its time before it is idle."""
        before = _awake(self._table)
        self._table = table
        now, awake = self._clock(), _awake(table)
        self._last = {name: self._last[name] if name in before and name in self._last else now for name in awake}
        self._asked = {name: when for name, when in self._asked.items() if name not in awake}
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def began(self, backend: Backend) -> None:
        """A request was given to it."""
        if backend.idle:
            self._busy[_name(backend.key)] += 1

    def ended(self, backend: Backend) -> None:
        """That request is over; it is idle from now on at the earliest."""
        if backend.idle:
            name = _name(backend.key)
            self._busy[name] -= 1
            self._last[name] = self._clock()

    async def wake(self, backend: Backend) -> Backend | None:
        """The same backend once it has a pod that is ready; None when it has none after `hold` seconds, or is gone."""
        key, until = backend.key, self._clock() + self._hold
        while True:
            changed = self._changed
            now = self._table.backends().get(key)
            left = until - self._clock()
            if now is None or now.endpoints or not now.idle:
                return now if now is not None and now.endpoints else None
            if left <= 0:
                return None
            self._ask_once(_name(key))
            try:
                await asyncio.wait_for(changed.wait(), min(left, self._again))
            except TimeoutError:
                continue

    async def tend(self, every: float) -> None:
        """Puts to sleep what is due, for ever, looking every so many seconds."""
        while True:
            await asyncio.sleep(every)
            for name in self.due():
                await self._try(self._scaler.sleep, name)
                self._last[name] = self._clock()  # asked again after as long, should it not have been heard

    def due(self) -> list[Name]:
        """Who has been idle for as long as it says, is awake, and has all the traffic of its rules."""
        now, alone = self._clock(), self._table.alone()
        return sorted(
            name
            for name, idle in _awake(self._table).items()
            if name in alone and not self._busy[name] and now - self._last.get(name, now) >= idle
        )

    def _ask_once(self, name: Name) -> None:
        """However many requests wait for it, it is woken by one of them."""
        now = self._clock()
        if now - self._asked.get(name, float("-inf")) < self._again:
            return
        self._asked[name] = now
        task = asyncio.get_running_loop().create_task(self._try(self._scaler.wake, name))
        self._tasks.add(task)  # the loop itself would let go of it
        task.add_done_callback(self._tasks.discard)

    async def _try(self, change: Callable[[str, str], None], name: Name) -> None:
        asked: Awaitable[None] = asyncio.to_thread(change, *name)
        try:
            await asked
        except OSError as error:
            log.warning("cannot scale %s/%s: %s", *name, error)


def _name(key: SeriesKey) -> Name:
    return key.namespace, key.backend


def _awake(table: Table) -> dict[Name, float]:
    """Services that may sleep and have pods that are ready, with how long they wait."""
    return {_name(key): each.idle for key, each in table.backends().items() if each.idle and each.endpoints}
