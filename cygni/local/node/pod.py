"""One pod on this node, from its arrival to the removal of its last file."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from cygni.local.node.api import ApiError
from cygni.local.node.container import Container, Home
from cygni.local.node.context import Context
from cygni.local.node.ports import PortAllocator, PortsExhausted
from cygni.local.node.publisher import StatusPublisher
from cygni.local.node.sandbox import Sandbox
from cygni.local.node.spec import Container as Spec
from cygni.local.node.spec import Object, parse_pod
from cygni.local.node.status import PodView, render

HOST_PORTS = "cygni.dev/host-ports"
VANISHED_GRACE = 2.0
log = logging.getLogger(__name__)


class PodWorker:
    """Runs one pod. Told what the API says of it by `seen` and `vanished`; `run` returns when nothing of it is left here."""

    def __init__(self, context: Context, allocator: PortAllocator, obj: Object) -> None:
        self.pod, self.latest = parse_pod(obj), obj
        self._context, self._allocator = context, allocator
        self._mapping: dict[str, int] = {}
        self._leaving, self._hurry = asyncio.Event(), asyncio.Event()
        self._why, self._grace, self._exists = "", self.pod.grace, True
        self._publisher = StatusPublisher(context, self.pod, self.status)
        data = context.config.data
        home = Home(
            context, self.pod, self._mapping, data / "pods" / self.pod.uid, data / "logs" / self.pod.uid,
            lambda: self.latest, self._publisher.touch,
        )  # fmt: skip
        self._files, self._logs = Sandbox(home.files), Sandbox(home.logs)
        before = obj.get("status") or {}
        self.init = _containers(home, self.pod.init, before.get("initContainerStatuses"))
        self.main = _containers(home, self.pod.containers, before.get("containerStatuses"))
        self._finished = before.get("phase") in ("Succeeded", "Failed")
        self.seen(obj)

    @property
    def containers(self) -> list[Container]:
        """All its containers, those that initialize it first."""
        return [*self.init, *self.main]

    def seen(self, obj: Object) -> None:
        """The API's newest state of the pod."""
        self.latest = obj
        meta = obj["metadata"]
        if meta.get("deletionTimestamp"):
            grace = meta.get("deletionGracePeriodSeconds")
            self._leave("the pod is being deleted", self.pod.grace if grace is None else float(grace))

    def vanished(self) -> None:
        """The API has this pod no more: whatever still runs is to end soon."""
        self._exists = False
        if self._leaving.is_set():
            self._hurry.set()
        self._leave("the pod is gone", min(self.pod.grace, VANISHED_GRACE))

    def node_stops(self, grace: float) -> None:
        """The node ends: so do the pod's processes, but the pod itself stays."""
        self._leave("the node is stopping", min(self.pod.grace, grace))

    def hurry(self) -> None:
        """Whatever is still running is killed now."""
        self._hurry.set()

    def refresh(self) -> None:
        """Writes the status again, in case the API has lost it."""
        if not self._finished:
            self._publisher.touch(again=True)

    def status(self) -> Object:
        """The pod's status as it is now."""
        sidecars = frozenset(one.name for one in self.pod.init if one.sidecar)
        init, main = (tuple(one.view() for one in group) for group in (self.init, self.main))
        return render(self.pod, PodView(init, main, sidecars, self._why), self.latest.get("status") or {}, datetime.now(UTC))

    async def run(self) -> None:
        """The pod's whole life on this node."""
        publishing = asyncio.create_task(self._publisher.run())
        leaving = asyncio.create_task(self._leaving.wait())
        living = asyncio.create_task(self._live())
        try:
            await asyncio.wait({living, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if living.done():
                self._report(living)
                await leaving
            living.cancel()
            await asyncio.wait({living})
            await self._end()
        finally:
            for task in (publishing, leaving, living):
                task.cancel()

    async def _live(self) -> None:
        if self._finished or self._leaving.is_set():
            return
        self._publisher.touch()
        if not await self._settle_ports():
            return
        async with asyncio.TaskGroup() as sidecars:
            background = []
            for one in self.init:
                if one.spec.sidecar:
                    background.append(sidecars.create_task(one.run("Always")))
                    await one.first_start.wait()
                elif await one.run("Never" if self.pod.restart_policy == "Never" else "OnFailure") != 0:
                    break
            else:
                await self._run_main()
            for task in background:
                task.cancel()
        await asyncio.gather(*(one.stop(self.pod.grace) for one in self.init))

    async def _run_main(self) -> None:
        async with asyncio.TaskGroup() as group:
            for one in self.main:
                group.create_task(one.run(self.pod.restart_policy))

    async def _settle_ports(self) -> bool:
        """Chooses host ports and publishes them; False when the pod is gone meanwhile."""
        meta = self.latest["metadata"]
        published = (meta.get("annotations") or {}).get(HOST_PORTS, "{}")
        try:
            self._mapping.update(self._allocator.allocate(self.pod, _ports(published)))
        except PortsExhausted as error:
            self._context.events.emit(self.pod, "Warning", "Failed", str(error))
            return False
        text = json.dumps(self._mapping)
        if not self._mapping or _ports(published) == self._mapping:
            return True
        body = {"metadata": {"uid": self.pod.uid, "annotations": {HOST_PORTS: text}}}
        try:
            await self._context.insist(self._context.patch, self.pod.path, body)
        except ApiError as error:
            log.info("%s: its ports were refused: %s", self.pod.path, error)
            return False
        return True

    async def _end(self) -> None:
        """Not ready first, so that gateways let go of it; then the processes; then, if that was wanted, the pod itself."""
        running = any(one.run_now is not None for one in self.containers)
        if self._exists and running:
            await self._publisher.settle()
            await self._wait_or_hurry(min(self._context.config.drain, self._grace))
        if not await self._unless_hurried(self._stop_all(self._grace)):
            await self._stop_all(0)
        self._allocator.release(self._mapping)
        if self._exists and running:
            await self._publisher.settle()
        await asyncio.to_thread(self._files.clear)
        if self.latest["metadata"].get("deletionTimestamp") and self._exists:
            await self._unless_hurried(self._delete())
        if not self._exists or self.latest["metadata"].get("deletionTimestamp"):
            await asyncio.to_thread(self._logs.clear)
            self._context.events.forget(self.pod)

    async def _stop_all(self, grace: float) -> None:
        await asyncio.gather(*(one.stop(grace) for one in self.main))
        await asyncio.gather(*(one.stop(grace) for one in self.init))

    async def _delete(self) -> None:
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": self.pod.uid}, "propagationPolicy": "Background"}
        with suppress(ApiError):  # 404 or 409: another has deleted it, or made a new one of the name
            await self._context.insist(self._context.delete, self.pod.path, body)

    async def _wait_or_hurry(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)

    async def _unless_hurried(self, work: Coroutine[Any, Any, None]) -> bool:
        """Does the work, or breaks it off when there is no time any more; whether it was done."""
        doing, hurry = asyncio.create_task(work), asyncio.create_task(self._hurry.wait())
        await asyncio.wait({doing, hurry}, return_when=asyncio.FIRST_COMPLETED)
        done = doing.done()
        for task in (doing, hurry):
            task.cancel()
        await asyncio.wait({doing})
        if done:
            doing.result()
        return done

    def _leave(self, why: str, grace: float) -> None:
        if not self._leaving.is_set():
            self._why, self._grace = why, grace
            self._leaving.set()
        elif grace < self._grace:
            self._hurry.set()

    def _report(self, living: asyncio.Task[None]) -> None:
        """A pod that is over needs no word; a fault of the node's own does, and must not take other pods along."""
        error = None if living.cancelled() else living.exception()
        if error is not None:
            log.error("%s: the node failed to run it", self.pod.path, exc_info=error)
            self._context.events.emit(self.pod, "Warning", "Failed", f"the node failed to run the pod: {error}")


def _containers(home: Home, specs: tuple[Spec, ...], statuses: list[Object] | None) -> list[Container]:
    before = {status["name"]: status for status in statuses or ()}
    return [Container(home, spec, before.get(spec.name)) for spec in specs]


def _ports(text: str) -> dict[str, int]:
    """A host-ports annotation, read; one that somebody spoilt counts as none."""
    try:
        return {str(key): int(value) for key, value in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError):
        return {}
