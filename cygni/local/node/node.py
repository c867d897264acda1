"""The node put together: ends what an earlier one left, makes itself known, runs the pods it is given, leaves nothing."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import shutil
import subprocess
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from cygni.local.node import warden
from cygni.local.node.api import Api
from cygni.local.node.container import Container
from cygni.local.node.context import Context, NodeConfig
from cygni.local.node.informer import Changed, Informer, Listed, News
from cygni.local.node.logserver import LogServer
from cygni.local.node.monitor import Monitor
from cygni.local.node.pod import PodWorker
from cygni.local.node.ports import PortAllocator
from cygni.local.node.publisher import PATIENCE
from cygni.local.node.registration import Registration
from cygni.local.node.scheduler import Scheduler
from cygni.local.node.spec import Object

PODS = "/api/v1/pods"
LOCK_SECONDS = 15.0
AGAIN_SECONDS = 5.0
log = logging.getLogger(__name__)


class DataInUse(Exception):
    """Another node works in the same data directory."""


class Node:
    """One node, from `run` to its return. The loop must be the process's main thread's: see process.py."""

    def __init__(self, config: NodeConfig, api: Api) -> None:
        self._config = config
        self._context = Context(config, api)
        self._allocator = PortAllocator()
        self._workers: dict[str, tuple[PodWorker, asyncio.Task[None]]] = {}
        self._logs = LogServer(config, self.find)
        self._tasks: list[asyncio.Task[None]] = []
        self._informers: list[Informer] = []
        self._cleared = False

    async def run(self, stop: asyncio.Event) -> None:
        """Runs until `stop` is set; then ends all pods' processes. Raises DataInUse when the data directory is taken."""
        self._config.data.mkdir(parents=True, exist_ok=True)
        with (self._config.data / "node.lock").open("wb") as lock:
            await _take(lock)
            swept = await asyncio.to_thread(self._context.journal.sweep)
            if swept:
                log.info("ended %d processes that an earlier node left", swept)
            guard = warden.keep_watch(self._context.journal.directory, lock.fileno())
            try:
                await self._serve(stop)
            finally:
                await asyncio.to_thread(_dismiss, guard)

    def find(self, namespace: str, pod: str, container: str) -> Container | None:
        """A container on this node, by its names."""
        for worker, _ in self._workers.values():
            if (worker.pod.namespace, worker.pod.name) == (namespace, pod):
                return next((one for one in worker.containers if one.spec.name == container), None)
        return None

    async def _serve(self, stop: asyncio.Event) -> None:
        await self._logs.start()
        registration = Registration(self._context, self._logs.port)
        starting = asyncio.create_task(registration.register())
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done():
                starting.result()
                self._begin(registration)
                log.info("node %s is ready, logs on port %d", self._config.name, self._logs.port)
                await stopping
        finally:
            starting.cancel()
            await self._end(registration)

    def _begin(self, registration: Registration) -> None:
        monitor = Monitor(self._context, lambda: [worker for worker, _ in self._workers.values()])
        for work in (registration.run, self._context.events.run, monitor.run):
            self._tasks.append(asyncio.create_task(_lasting(work)))
        self._inform({"fieldSelector": f"spec.nodeName={self._config.name}"}, self._on_pods)
        if self._config.schedule:
            scheduler = Scheduler(self._context, registration.labels(), lambda: len(self._workers))
            self._inform({"fieldSelector": "spec.nodeName="}, lambda news: _each(news, scheduler.seen))

    def _inform(self, query: dict[str, str], handle: Callable[[News], None]) -> None:
        loop = asyncio.get_running_loop()

        def pass_on(news: News) -> None:
            with suppress(RuntimeError):  # the loop is closed: the node is ending
                loop.call_soon_threadsafe(handle, news)

        informer = Informer(self._context.api, PODS, query, pass_on)
        self._informers.append(informer)
        informer.start()

    def _on_pods(self, news: News) -> None:
        match news:
            case Changed(item, gone=True):
                if item["metadata"]["uid"] in self._workers:
                    self._workers[item["metadata"]["uid"]][0].vanished()
            case Changed(item):
                self._seen(item)
            case Listed(items):
                here = {item["metadata"]["uid"] for item in items}
                for uid, (worker, _) in list(self._workers.items()):
                    if uid in here:
                        worker.refresh()
                    else:
                        worker.vanished()
                self._clear_strays(here)
                for item in items:
                    self._seen(item)

    def _seen(self, item: Object) -> None:
        uid = item["metadata"]["uid"]
        if uid in self._workers:
            self._workers[uid][0].seen(item)
            return
        try:
            worker = PodWorker(self._context, self._allocator, item)
        except (KeyError, TypeError, ValueError, AttributeError):  # not what an API server lets pass: it must not end the node
            log.exception("pod %s cannot be understood", item["metadata"].get("name"))
            return
        task = asyncio.create_task(worker.run())
        self._workers[uid] = (worker, task)
        task.add_done_callback(lambda _: self._left(uid))

    def _left(self, uid: str) -> None:
        worker, task = self._workers.pop(uid)
        if not task.cancelled() and task.exception() is not None:  # a fault of ours with one pod is not the others'
            log.error("%s was not ended in order", worker.pod.path, exc_info=task.exception())

    def _clear_strays(self, here: set[str]) -> None:
        """Once, at the first list: the files of pods that went while no node was looking."""
        if self._cleared:
            return
        self._cleared = True
        for folder in (self._config.data / "pods", self._config.data / "logs"):
            for path in folder.glob("*"):
                if path.name not in here:
                    shutil.rmtree(path, ignore_errors=True)

    async def _end(self, registration: Registration) -> None:
        for informer in self._informers:
            informer.stop()
        tasks = {task for _, task in self._workers.values()}
        for worker, _ in self._workers.values():
            worker.node_stops(self._config.stop_grace)
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._config.stop_grace + PATIENCE + 3.0)
            for worker, task in self._workers.values():
                if task in late:
                    worker.hurry()
            await asyncio.wait(tasks, timeout=10.0)
        if self._informers:
            await registration.leave()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._context.events.flush(), 1.0)
        for task in self._tasks:
            task.cancel()
        await self._logs.stop()
        await asyncio.to_thread(self._context.journal.sweep)
        self._context.close()


def _each(news: News, seen: Callable[[Object], None]) -> None:
    items = news.items if isinstance(news, Listed) else () if news.gone else (news.item,)
    for item in items:
        seen(item)


async def _lasting(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Work that goes on as long as the node: that it fails is a fault of ours, is said, and must not be the end of it."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("a part of the node failed: it begins again")
        await asyncio.sleep(AGAIN_SECONDS)


async def _take(lock: BinaryIO) -> None:
    """Takes the data directory's lock, waiting for the end of an earlier node and its warden."""
    for _ in range(int(LOCK_SECONDS / 0.05)):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(0.05)
        else:
            return
    raise DataInUse(f"another node uses {Path(lock.name).parent}: stop it, or give this one a directory of its own")


def _dismiss(guard: subprocess.Popen[bytes]) -> None:
    """Closes the warden's pipe, so that it looks for remains once more and ends."""
    if guard.stdin is not None:
        guard.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        guard.wait(15.0)
