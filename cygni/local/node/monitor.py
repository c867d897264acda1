"""Watches what containers use: ends those over their memory limit, and publishes each pod's CPU use."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import psutil

from cygni.local.node import rules, usage
from cygni.local.node.api import ApiError
from cygni.local.node.context import Context
from cygni.local.node.pod import PodWorker
from cygni.local.node.run import Run

CPU_MILLICORES = "cygni.dev/cpu-millicores"
MEMORY_SECONDS = 2.0
CPU_SECONDS = 10.0
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Watched:
    worker: PodWorker
    run: Run
    limit: int | None


class Monitor:
    """Looks at all of a node's containers, `workers` giving its pods, from one task, `run`."""

    def __init__(self, context: Context, workers: Callable[[], Iterable[PodWorker]]) -> None:
        self._context, self._workers = context, workers
        self._published: dict[str, int] = {}
        self._cpu: dict[int, float] = {}
        self._cpu_at = 0.0

    async def run(self) -> None:
        """Looks every two seconds, until cancelled; without containers it does nothing."""
        while True:
            await asyncio.sleep(MEMORY_SECONDS)
            watched = self._watched()
            if watched:
                await self._look(watched)

    async def _look(self, watched: dict[int, _Watched]) -> None:
        now = time.monotonic()
        for_cpu = now - self._cpu_at >= CPU_SECONDS
        if not for_cpu and not any(one.limit for one in watched.values()):
            return
        trees = await asyncio.to_thread(usage.trees, set(watched))
        for pid, one in watched.items():
            used = await asyncio.to_thread(_memory_over, trees[pid], one.limit) if one.limit else 0
            if one.limit and used:
                one.run.kill_out_of_memory(used, one.limit)
        if for_cpu:
            after = {pid: usage.cpu_seconds(processes) for pid, processes in trees.items()}
            use = usage.millicores(self._cpu, after, now - self._cpu_at)
            self._cpu, self._cpu_at = after, now
            await self._publish(watched, use)

    async def _publish(self, watched: dict[int, _Watched], use: dict[int, int]) -> None:
        """One annotation for each pod whose use has changed noticeably."""
        totals: dict[str, int] = {}
        workers = {one.worker.pod.uid: one.worker for one in watched.values()}
        for pid, millicores in use.items():
            uid = watched[pid].worker.pod.uid
            totals[uid] = totals.get(uid, 0) + millicores
        self._published = {uid: known for uid, known in self._published.items() if uid in workers}
        for uid, total in totals.items():
            if not rules.worth_publishing(self._published.get(uid), total):
                continue
            body = {"metadata": {"uid": uid, "annotations": {CPU_MILLICORES: str(total)}}}
            try:
                await self._context.patch(workers[uid].pod.path, body)
                self._published[uid] = total
            except ApiError as error:
                log.debug("the CPU use of %s was not written: %s", workers[uid].pod.path, error)

    def _watched(self) -> dict[int, _Watched]:
        both = [(worker, one) for worker in self._workers() for one in worker.containers]
        runs = [(one.run_now, worker, one.spec.memory_limit) for worker, one in both if one.run_now is not None]
        return {run.pid: _Watched(worker, run, limit) for run, worker, limit in runs}


def _memory_over(processes: list[psutil.Process], limit: int) -> int:
    """The memory in use, in bytes, if it is over the limit, or 0. The exact figure is only asked for if the cheap one is."""
    if usage.resident(processes) <= limit:
        return 0
    exact = usage.proportional(processes)
    return exact if exact > limit else 0
