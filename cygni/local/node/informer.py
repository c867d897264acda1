"""Keeps a view of one kind of object: lists it, watches it from there, and begins again when the API forgets or goes away."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cygni.local.node.api import Api, ApiAway, ApiError, Query, Stream
from cygni.local.node.spec import Object

WATCH_SECONDS = 300
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects there are: what is not among them is gone."""

    items: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """One object came, changed or went (`gone`; then it is its last state)."""

    item: Object
    gone: bool


News = Listed | Changed


class Informer(threading.Thread):
    """A thread that tells `handle` the news of `path`, in order. `handle` is called in this thread and must not raise."""

    def __init__(self, api: Api, path: str, query: Query, handle: Callable[[News], None]) -> None:
        super().__init__(name=f"informer {path} {query.get('fieldSelector', '')}", daemon=True)
        # None of these may be a name of Thread's own: since Python 3.13 `_handle` is one.
        self._api, self._path, self._query, self._tell = api, path, dict(query), handle
        self._stopping = threading.Event()
        self._stream: Stream | None = None

    def stop(self) -> None:
        """Asks the thread to end; it may take until the running request returns."""
        self._stopping.set()
        if self._stream is not None:
            self._stream.close()

    def run(self) -> None:
        pause = SHORTEST_PAUSE
        version = ""
        away = False
        while not self._stopping.is_set():
            try:
                version = version or self._list()
                if away:
                    log.info("the Kubernetes API is back")
                away = False
                began = time.monotonic()
                version = self._watch(version)
                pause = SHORTEST_PAUSE
                if time.monotonic() - began < 1:  # a server that ends watches at once must not be asked in a tight loop
                    self._stopping.wait(LONGEST_PAUSE)
            except ApiAway as error:
                version = ""  # an API that was away may have come back with an older state: only a list tells
                if not away and not self._stopping.is_set():
                    log.warning("the Kubernetes API is away (%s): asking again until it is back", error)
                away = True
                self._stopping.wait(pause * random.uniform(0.8, 1.2))
                pause = min(LONGEST_PAUSE, pause * 2)
            except ApiError as error:
                version = ""
                if error.status != 410:
                    log.error("watching %s was refused: %s", self._path, error)
                    self._stopping.wait(LONGEST_PAUSE)

    def _list(self) -> str:
        answer = self._api.get(self._path, self._query)
        items = tuple(answer.get("items") or ())
        self._tell(Listed(items))
        return str(answer["metadata"].get("resourceVersion") or "")

    def _watch(self, version: str) -> str:
        """Follows until the watch ends in good order; returns the version to go on from."""
        query = {**self._query, "resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        self._stream = self._api.watch(self._path, query)
        with contextlib.closing(self._stream):
            if self._stopping.is_set():  # while it was being opened: `stop` had the one before to close
                return version
            for event in self._stream:
                if self._stopping.is_set():
                    break
                kind, item = event["type"], event["object"]
                if kind == "ERROR":
                    raise ApiError(int(item.get("code") or 500), str(item.get("message") or "the watch broke"))
                version = str(item["metadata"].get("resourceVersion") or version)
                if kind != "BOOKMARK":
                    self._tell(Changed(item, gone=kind == "DELETED"))
        return version
