"""Watches: the changes of one resource that a client wants to hear of, in order, until it goes away."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator
from types import TracebackType

from cygni.local.kube.objects import Obj
from cygni.local.kube.selectors import Predicate
from cygni.local.kube.storage.store import Change, Store

BACKLOG = 20_000


class Watch:
    """A subscription to a resource in a namespace ("" = all) behind a selector. A context manager: leaving it ends it.

    An object that comes to match is ADDED, one that ceases to is DELETED. A client so slow that the backlog is full is cut off
    (`overrun`); it starts again with a list.
    """

    def __init__(self, store: Store, resource: str, namespace: str, selector: Predicate | None) -> None:
        self._store = store
        self._resource = resource
        self._namespace = namespace
        self._selector = selector
        self._queue: deque[tuple[str, Change]] = deque()
        self._wake = asyncio.Event()
        self.overrun = False

    def __enter__(self) -> Watch:
        self._end = self._store.subscribe(self._hear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def replay(self, revision: int) -> None:
        """Queue what happened after a revision and before now; TooOld if that is forgotten."""
        for change in self._store.since(self._resource, revision):
            self._hear(change)

    def current(self) -> list[Obj]:
        """The objects as they are now, for a watch that starts with the state."""
        objects = self._store.select(self._resource, self._namespace)
        return [obj for obj in objects if self._selector is None or self._selector(obj)]

    def _hear(self, change: Change) -> None:
        if change.key.resource != self._resource or self._namespace not in {"", change.key.namespace}:
            return
        kind = self._kind(change)
        if kind is None:
            return
        if len(self._queue) >= BACKLOG:
            self.overrun = True
        else:
            self._queue.append((kind, change))
        self._wake.set()

    def _kind(self, change: Change) -> str | None:
        """The event as this watch sees it; None if it does not."""
        if self._selector is None:
            return change.type
        before = change.before is not None and self._selector(change.before)
        after = change.type != "DELETED" and self._selector(change.obj)
        if before:
            return "MODIFIED" if after else "DELETED"
        return "ADDED" if after else None

    def drain(self) -> Iterator[tuple[str, Change]]:
        """What is queued, oldest first."""
        self._wake.clear()
        while self._queue:
            yield self._queue.popleft()

    async def wait(self, seconds: float) -> bool:
        """Sleep until something is queued (true) or the time is over (false)."""
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def wake(self) -> None:
        """End a `wait` without an event, as when the server stops."""
        self._wake.set()
