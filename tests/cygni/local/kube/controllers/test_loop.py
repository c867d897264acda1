from __future__ import annotations

import asyncio
from collections.abc import Iterable

from cygni.local.kube.controllers.loop import Loop
from cygni.local.kube.storage.store import Change, Key
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.options import WriteOptions


class Recorder:
    """Notes what it is asked to look at; fails as often as told."""

    def __init__(self, failures: int = 0, again: float | None = None) -> None:
        self.seen: list[str] = []
        self._failures = failures
        self._again = again

    def concerns(self, change: Change) -> Iterable[Key]:
        return [change.key] if change.key.resource == "configmaps" else []

    def reconcile(self, key: Key) -> float | None:
        self.seen.append(key.name)
        if self._failures:
            self._failures -= 1
            raise RuntimeError("not yet")
        again, self._again = self._again, None
        return again


def _run(inside: Cluster, recorder: Recorder, looks: int) -> list[str]:
    async def until_seen() -> None:
        task = asyncio.create_task(Loop(inside, [recorder]).run())
        deadline = asyncio.get_running_loop().time() + 60
        while len(recorder.seen) < looks and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(until_seen())
    return recorder.seen


def _create(inside: Cluster) -> None:
    inside.create(inside.catalog.builtin("configmaps"), "default", {"metadata": {"name": "a"}}, WriteOptions())


def test_what_exists_at_the_start_is_looked_at(inside: Cluster) -> None:
    _create(inside)
    assert _run(inside, Recorder(), 1) == ["a"]


def test_a_failure_comes_again(inside: Cluster) -> None:
    _create(inside)
    assert _run(inside, Recorder(failures=2), 3) == ["a", "a", "a"]


def test_a_controller_may_ask_to_look_again(inside: Cluster) -> None:
    _create(inside)
    assert _run(inside, Recorder(again=0.01), 2) == ["a", "a"]
