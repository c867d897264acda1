"""The embedded cluster as one thing to start and stop: store, verbs, controllers and HTTP in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from aiohttp import web

from chalicelib.runtime.crd import definition as cygni_definition
from cygni.local.kube.controllers.autoscalers import Autoscalers
from cygni.local.kube.controllers.deployments import Deployments
from cygni.local.kube.controllers.endpoint_slices import EndpointSlices
from cygni.local.kube.controllers.events import Events
from cygni.local.kube.controllers.garbage import Garbage
from cygni.local.kube.controllers.loop import Controller, Loop
from cygni.local.kube.controllers.namespaces import Definitions, Namespaces
from cygni.local.kube.controllers.replica_sets import ReplicaSets
from cygni.local.kube.kubeconfig import write_kubeconfig
from cygni.local.kube.objects import Obj, deep_copy
from cygni.local.kube.schema.tree import gateway_definitions
from cygni.local.kube.storage.store import HISTORY, Key, Store
from cygni.local.kube.verbs.cluster import CRD_KEY, Cluster
from cygni.local.kube.verbs.options import WriteOptions
from cygni.local.kube.web.app import Server

HOST = "127.0.0.1"
FIRST_NAMESPACES = ("default", "kube-system", "cygni-system")
_SYSTEM = WriteOptions(manager="kube-apiserver")


@dataclass(frozen=True)
class Options:
    """How to run. `data` is a folder, None = keep nothing; port 0 = any free one; `autoscale_seconds` between two looks."""

    token: str
    data: Path | None = None
    port: int = 0
    controllers: bool = True
    history: int = HISTORY
    autoscale_seconds: float = 15.0


def controllers_of(cluster: Cluster, options: Options) -> list[Controller]:
    """Every controller, in the order in which they hear of a change."""
    return [
        Garbage(cluster),
        Namespaces(cluster),
        Definitions(cluster),
        Deployments(cluster),
        ReplicaSets(cluster),
        EndpointSlices(cluster),
        Autoscalers(cluster, options.autoscale_seconds),
        Events(cluster),
    ]


def prepare(cluster: Cluster) -> None:
    """What every cluster has from the start: its first namespaces, the kinds of the Gateway API, and Cygni's own."""
    namespaces, definitions = cluster.catalog.builtin("namespaces"), cluster.catalog.builtin(CRD_KEY)
    for name in FIRST_NAMESPACES:
        if cluster.store.get(Key("namespaces", "", name)) is None:
            cluster.create(namespaces, "", {"metadata": {"name": name}}, _SYSTEM)
    for definition in gateway_definitions():
        body: Obj = deep_copy(definition)
        if cluster.store.get(Key(CRD_KEY, "", body["metadata"]["name"])) is None:
            cluster.create(definitions, "", body, _SYSTEM)
    ours = cygni_definition()  # applied, so that a cluster which an older version made learns of new fields
    cluster.apply(definitions, "", ours["metadata"]["name"], ours, replace(_SYSTEM, force=True))


@contextlib.asynccontextmanager
async def running(options: Options) -> AsyncIterator[int]:
    """Run the embedded cluster inside an `async with`; the value is the port."""
    if options.data is not None:
        options.data.mkdir(parents=True, exist_ok=True)
    store = Store(options.data / "cluster.db" if options.data is not None else ":memory:", options.history)
    cluster = Cluster(store)
    prepare(cluster)
    store.forget()
    runner = web.AppRunner(
        Server(cluster, options.token).application(), access_log=None, handler_cancellation=True, shutdown_timeout=2.0
    )
    await runner.setup()
    site = web.TCPSite(runner, HOST, options.port)
    await site.start()
    loop = asyncio.create_task(Loop(cluster, controllers_of(cluster, options)).run()) if options.controllers else None
    try:
        yield runner.addresses[0][1]
    finally:
        if loop is not None:
            loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop
        await runner.cleanup()
        store.close()


@contextlib.contextmanager
def running_in_thread(options: Options, kubeconfig: Path) -> Iterator[int]:
    """Run the embedded cluster in a thread of this process; writes a kubeconfig, the value is the port."""
    started = threading.Event()
    ports: list[int] = []
    failures: list[BaseException] = []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def serve() -> None:
        async with running(options) as port:
            ports.append(port)
            started.set()
            await stop.wait()

    def target() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as error:  # noqa: BLE001 - the starting thread must hear of it, whatever it is
            failures.append(error)
        finally:
            started.set()
            loop.close()

    thread = threading.Thread(target=target, name="cygni-kube", daemon=True)
    thread.start()
    started.wait()
    if failures:
        raise failures[0]
    write_kubeconfig(kubeconfig, ports[0], options.token)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=60)
