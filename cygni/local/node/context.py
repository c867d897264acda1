"""What all parts of one node share: its settings, and the way to the API from the event loop."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import ParamSpec, TypeVar

from cygni.local.images import ImageStore
from cygni.local.node.api import Api, ApiAway, ApiError
from cygni.local.node.events import Events
from cygni.local.node.leftovers import Journal
from cygni.local.node.rules import BackOff
from cygni.local.node.spec import Object

P = ParamSpec("P")
T = TypeVar("T")
API_THREADS = 8
CONFLICTS = 5


@dataclass(frozen=True, slots=True)
class NodeConfig:
    """A node's settings.

    `images` and `data` are directories; `data` is this node's alone. `drain` is the time in seconds between telling that a pod
    takes no more traffic and asking it to end. `stop_grace` bounds the seconds a pod is given when the node itself stops.
    """

    name: str
    images: Path
    data: Path
    schedule: bool = False
    back_off: BackOff = field(default_factory=BackOff)
    heartbeat: float = 10.0
    drain: float = 0.5
    stop_grace: float = 5.0
    most_pods: int = 250
    log_port: int = 0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    path: str = field(default_factory=lambda: os.environ.get("PATH", os.defpath))


class Context:
    """One node's shared parts. Made within its event loop."""

    def __init__(self, config: NodeConfig, api: Api) -> None:
        self.config = config
        self.api = api
        self.images = ImageStore(config.images)
        self.journal = Journal(config.data / "journal")
        self.events = Events(config.name, self._send)
        self._threads = ThreadPoolExecutor(API_THREADS, thread_name_prefix="api")

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a blocking call of the API in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, lambda: function(*args, **kwargs))

    async def insist(self, function: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Awaits what the function gives, again and again while the API is away. Raises ApiError when it refuses."""
        pause = 0.1
        while True:
            try:
                return await function(*args, **kwargs)
            except ApiAway:
                await asyncio.sleep(pause)
                pause = min(2.0, pause * 2)

    async def patch(self, path: str, body: Object) -> Object:
        """Patches an object; that others write it at the same time is tried again a few times. Raises ApiError."""
        for _ in range(CONFLICTS):
            try:
                return await self.call(self.api.patch, path, body)
            except ApiError as error:
                if error.status != 409:
                    raise
                await asyncio.sleep(0.1)
        return await self.call(self.api.patch, path, body)

    async def fetch(self, path: str) -> Object | None:
        """The object at a path, or None when there is none. Raises ApiError otherwise."""
        try:
            return await self.call(self.api.get, path)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def create(self, path: str, body: Object) -> Object:
        """Creates an object in a collection, or a subresource. Raises ApiError."""
        return await self.call(self.api.create, path, body)

    async def delete(self, path: str, body: Object) -> Object:
        """Deletes an object. Raises ApiError."""
        return await self.call(self.api.delete, path, body)

    async def _send(self, verb: str, path: str, body: Object) -> Object:
        return await (self.create(path, body) if verb == "create" else self.patch(path, body))

    def close(self) -> None:
        """Lets the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)
