"""A node over the fake API, for scenarios: each is a coroutine that is given a `Cluster` and runs in a loop of its own."""

from __future__ import annotations

import asyncio
import sys
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import psutil

from cygni.local.node.context import NodeConfig
from cygni.local.node.leftovers import MARK
from cygni.local.node.node import Node
from cygni.local.node.rules import BackOff
from cygni.local.node.spec import Object
from tests.cygni.local.node.fake import FakeApi, container, pod, write_image

T = TypeVar("T")
PODS = "/api/v1/namespaces/shop/pods"
APP = (Path(__file__).parent / "app.py").read_text(encoding="utf-8")
COMMAND = ["sh", "-c", f"exec {sys.executable} -S app.py"]


class Cluster:
    """The fake API, and a node that may be stopped and started again."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        self.api = FakeApi()
        self.images, self.data = directory / "images", directory / "data"
        fields = {"schedule": True, "back_off": BackOff(0.3, 1.0), "drain": 0.1, "stop_grace": 2.0, "heartbeat": 0.2} | settings
        self._config = NodeConfig(name="local", images=self.images, data=self.data, **fields)
        self._stop: asyncio.Event | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(Node(self._config, self.api).run(self._stop))

    async def stop(self) -> None:
        if self._stop is not None and self._task is not None:
            self._stop.set()
            await self._task

    def run(self, mode: str = "serve", name: str = "web-1", *, spec: Object | None = None, **fields: Any) -> str:
        """Creates a pod whose application behaves so; returns its path."""
        env = [{"name": "PORT", "value": "8080"}, {"name": "MODE", "value": mode}, *fields.pop("env", [])]
        self.api.create(PODS, pod(name, container(env=env, **fields), **(spec or {})))
        return f"{PODS}/{name}"

    async def until(self, what: Callable[[], T], seconds: float = 60.0) -> T:
        """Waits for something that is true, and returns it."""
        ends = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < ends, f"it never came true; the objects: {self.api.objects}"
            await asyncio.sleep(0.02)
        return found

    async def ready(self, path: str, seconds: float = 60.0) -> None:
        await self.until(lambda: self.condition(path, "Ready").get("status") == "True", seconds)

    def status(self, path: str) -> Object:
        found: Object = self.api.objects.get(path, {}).get("status", {})
        return found

    def container(self, path: str, name: str = "app") -> Object:
        statuses = [*self.status(path).get("containerStatuses", []), *self.status(path).get("initContainerStatuses", [])]
        return next(
            (status for status in statuses if status["name"] == name), {"state": {}, "lastState": {}, "restartCount": 0}
        )

    def condition(self, path: str, kind: str) -> Object:
        return next((one for one in self.status(path).get("conditions", []) if one["type"] == kind), {})

    def port(self, path: str) -> int:
        import json

        return int(json.loads(self.api.objects[path]["metadata"]["annotations"]["cygni.dev/host-ports"])["8080"])

    async def get(self, path: str, url: str = "/") -> str:
        address = f"http://127.0.0.1:{self.port(path)}{url}"
        return await asyncio.to_thread(lambda: urllib.request.urlopen(address, timeout=30).read().decode())

    async def logs(self, query: str, name: str = "web-1") -> str:
        return await asyncio.to_thread(lambda: self._open_logs(query, name).read().decode())

    async def follow(self, name: str = "web-1") -> asyncio.Task[str]:
        """The logs from now to the end of the container, once the node has begun to give them."""
        answer = await asyncio.to_thread(self._open_logs, "follow=true", name)
        return asyncio.create_task(asyncio.to_thread(lambda: answer.read().decode()))

    def _open_logs(self, query: str, name: str) -> Any:
        port = self.api.objects["/api/v1/nodes/local"]["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"]
        address = f"http://127.0.0.1:{port}/containerLogs/shop/{name}/app?{query}"
        return urllib.request.urlopen(address, timeout=60)


def play(directory: Path, scenario: Callable[[Cluster], Awaitable[None]], **settings: Any) -> None:
    """Runs a scenario on a node that is started before and stopped after; no process of a pod may be left then."""
    cluster = Cluster(directory, **settings)
    write_image(cluster.images, {"app.py": APP}, COMMAND, {"IMAGE_SAYS": "${IMAGE}/deps"})

    async def whole() -> None:
        await cluster.start()
        try:
            await scenario(cluster)
        finally:
            await cluster.stop()

    asyncio.run(whole())
    assert marked(cluster.data) == []


def marked(data: Path) -> list[psutil.Process]:
    """All running processes of containers whose files are below a data directory."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            if MARK in environment and environment.get("HOME", "").startswith(str(data)) and process.status() != "zombie":
                found.append(process)
        except psutil.Error:
            continue
    return found
