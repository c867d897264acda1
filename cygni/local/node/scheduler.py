"""Binds pending pods to this node, where a cluster has no scheduler of its own."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from cygni.local.node import rules
from cygni.local.node.api import ApiError
from cygni.local.node.context import Context
from cygni.local.node.spec import Object, parse_pod

log = logging.getLogger(__name__)


class Scheduler:
    """Told of each pod without a node; binds those that fit. `count` gives the number of pods on the node."""

    def __init__(self, context: Context, labels: Mapping[str, str], count: Callable[[], int]) -> None:
        self._context, self._labels, self._count = context, dict(labels), count
        self._binding: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def seen(self, obj: Object) -> None:
        """A pod that may need a node."""
        meta = obj["metadata"]
        if obj["spec"].get("nodeName") or meta.get("deletionTimestamp") or meta["uid"] in self._binding:
            return
        room = self._context.config.most_pods - self._count() - len(self._binding)
        reason = rules.unschedulable(obj, self._labels, room)
        if reason:
            self._context.events.emit(parse_pod(obj), "Warning", "FailedScheduling", reason)
            return
        self._binding.add(meta["uid"])
        task = asyncio.create_task(self._bind(obj))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _bind(self, obj: Object) -> None:
        pod = parse_pod(obj)
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod.name, "namespace": pod.namespace, "uid": pod.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": self._context.config.name},
        }
        try:
            await self._context.insist(self._context.create, f"{pod.path}/binding", binding)
            message = f"Successfully assigned {pod.namespace}/{pod.name} to {self._context.config.name}"
            self._context.events.emit(pod, "Normal", "Scheduled", message)
        except ApiError as error:
            if error.status not in (404, 409):  # gone, or another bound it
                log.warning("%s could not be bound: %s", pod.path, error)
        finally:
            self._binding.discard(pod.uid)
