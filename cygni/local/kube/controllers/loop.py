"""The engine of all controllers: changes become work items, work items are reconciled one by one, failures come again later.

A controller is two functions: which items a change concerns, and what to do for an item. Items are a set, so a burst of changes
to one object costs one pass. Everything runs in the event loop of the server; between two items others get their turn.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from cygni.local.kube.errors import ApiError
from cygni.local.kube.storage.store import Change, Key
from cygni.local.kube.verbs.cluster import Cluster

_log = logging.getLogger(__name__)
_FIRST_RETRY = 0.05
_LAST_RETRY = 30.0


class Controller(Protocol):
    """What the engine asks of a controller."""

    def concerns(self, change: Change) -> Iterable[Key]:
        """The items to look at after a change. Also called with every object that exists at the start, as ADDED."""

    def reconcile(self, key: Key) -> float | None:
        """Bring an item closer to what is wished; seconds after which to look again, None = on the next change."""


class Loop:
    """Runs controllers over a cluster until it is cancelled."""

    def __init__(self, cluster: Cluster, controllers: Iterable[Controller]) -> None:
        self._cluster = cluster
        self._controllers = list(controllers)
        self._queue: dict[tuple[Controller, Key], None] = {}
        self._timers: dict[tuple[Controller, Key], asyncio.TimerHandle] = {}
        self._failures: dict[tuple[Controller, Key], int] = {}
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Start with everything that exists, then follow changes."""
        end = self._cluster.store.subscribe(self._hear)
        try:
            for resource in self._cluster.store.resources():
                for obj in self._cluster.store.select(resource):
                    key = Key(resource, obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
                    self._hear(Change("ADDED", 0, key, obj, None))
            while True:
                await self._wake.wait()
                self._wake.clear()
                await self._drain()
        finally:
            end()
            for timer in self._timers.values():
                timer.cancel()

    def _hear(self, change: Change) -> None:
        for controller in self._controllers:
            try:
                items = list(controller.concerns(change))
            except Exception:  # noqa: BLE001 - the write that is told here has happened; its writer is not to blame
                _log.exception("%s cannot tell whom %s concerns", type(controller).__name__, change.key)
                continue
            for key in items:
                self._add((controller, key))

    def _add(self, item: tuple[Controller, Key]) -> None:
        timer = self._timers.pop(item, None)
        if timer is not None:
            timer.cancel()
        self._queue[item] = None
        self._wake.set()

    async def _drain(self) -> None:
        while self._queue:
            item = next(iter(self._queue))
            del self._queue[item]
            delay = self._attempt(item)
            if delay is not None and item not in self._queue:
                self._timers[item] = asyncio.get_running_loop().call_later(delay, self._add, item)
            await asyncio.sleep(0)

    def _attempt(self, item: tuple[Controller, Key]) -> float | None:
        controller, key = item
        try:
            delay = controller.reconcile(key)
        except Exception as error:  # noqa: BLE001 - one broken object must not stop the controllers of all others
            if not isinstance(error, ApiError):
                _log.exception("%s of %s failed", type(controller).__name__, key)
            failures = self._failures.get(item, 0)
            self._failures[item] = failures + 1
            return float(min(_LAST_RETRY, _FIRST_RETRY * 2 ** min(failures, 12)))
        self._failures.pop(item, None)
        return delay
