"""core/v1 Events about pods, as the kubelet writes them: the same news again raises a count instead of making a new object.

Sending is apart from saying: who emits never waits, and an API that is away costs the oldest news, not the node.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cygni.local.node.api import ApiAway, ApiError
from cygni.local.node.spec import Object, Pod
from cygni.local.node.status import timestamp

COMPONENT = "cygni-node"
REPEAT_SECONDS = 10.0
REMEMBERED = 2000
MESSAGE_LIMIT = 1024
log = logging.getLogger(__name__)

Send = Callable[[str, str, Object], Awaitable[Object]]
"""(create|patch, path, body) → the API's answer."""


@dataclass(slots=True)
class _Series:
    """One piece of news about one object: how often it came, how much of that was sent, as which event."""

    body: Object
    path: str
    count: int = 0
    sent: int = 0
    sent_at: float = 0.0
    name: str = ""


class Events:
    """Collects events and sends them from one task, `run`."""

    def __init__(self, node: str, send: Send) -> None:
        self._node, self._send = node, send
        self._series: OrderedDict[tuple[str, ...], _Series] = OrderedDict()
        self._due = asyncio.Event()

    def emit(self, pod: Pod, kind: str, reason: str, message: str, container: str = "") -> None:
        """Says something about a pod or one of its containers; `kind` is Normal or Warning."""
        message = message[:MESSAGE_LIMIT]
        key = (pod.uid, container, kind, reason, message)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = _Series(self._body(pod, kind, reason, message, container), pod.namespace)
            if len(self._series) > REMEMBERED:
                self._series.popitem(last=False)
        series.count += 1
        self._series.move_to_end(key)
        self._due.set()

    def forget(self, pod: Pod) -> None:
        """The pod is gone: its events will not be repeated. Those that were not sent yet still are."""
        for key in [key for key, series in self._series.items() if key[0] == pod.uid and series.sent == series.count]:
            del self._series[key]

    async def run(self) -> None:
        """Sends what is due, until cancelled: new news at once, repeated news every ten seconds."""
        while True:
            await self.flush()
            waiting = [series for series in self._series.values() if series.sent < series.count]
            self._due.clear()
            pause = min((series.sent_at + REPEAT_SECONDS - time.monotonic() for series in waiting), default=None)
            try:
                await asyncio.wait_for(self._due.wait(), None if pause is None else max(0.2, pause))
            except TimeoutError:
                continue

    async def flush(self) -> None:
        """Sends all that is new, and repetitions that have waited long enough."""
        now = time.monotonic()
        for key, series in list(self._series.items()):
            if series.sent < series.count and (not series.sent or now - series.sent_at >= REPEAT_SECONDS):
                await self._deliver(key, series)

    async def _deliver(self, key: tuple[str, ...], series: _Series) -> None:
        count, events = series.count, f"/api/v1/namespaces/{series.path}/events"
        series.sent_at = time.monotonic()
        try:
            if series.name:
                await self._send("patch", f"{events}/{series.name}", {"count": count, "lastTimestamp": timestamp()})
            else:
                name = f"{series.body['involvedObject']['name']}.{time.time_ns():x}"
                body = series.body | {"metadata": {"name": name, "namespace": series.path}, "count": count}
                await self._send("create", events, body | {"lastTimestamp": timestamp()})
                series.name = name
        except ApiAway as error:
            log.debug("an event must wait: %s", error)
            return
        except ApiError as error:  # the namespace is going, or the event has expired: the news is over
            log.debug("an event was refused: %s", error)
            self._series.pop(key, None)
            return
        series.sent = count

    def _body(self, pod: Pod, kind: str, reason: str, message: str, container: str) -> Object:
        involved = {"apiVersion": "v1", "kind": "Pod", "namespace": pod.namespace, "name": pod.name, "uid": pod.uid}
        if container:
            involved["fieldPath"] = f"spec.containers{{{container}}}"
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "involvedObject": involved,
            "type": kind,
            "reason": reason,
            "message": message,
            "firstTimestamp": timestamp(),
            "source": {"component": COMPONENT, "host": self._node},
            "reportingComponent": COMPONENT,
            "reportingInstance": self._node,
        }
