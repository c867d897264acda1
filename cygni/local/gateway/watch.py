"""Keeps a Sink current from a Kubernetes API: one thread per kind lists, then watches from there, for ever.

When the API is away the sink keeps what it was told last; the thread tries again with growing pauses, and lists anew, since
what happened meanwhile cannot be known otherwise.
"""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from cygni.local.gateway.inventory import Sink, Thing

log = logging.getLogger(__name__)
Lister = Callable[..., Any]

_CONNECT = 3.0
_WATCH = 50


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds: the first and the longest pause after a failure, and how long a watch must last not to count as one."""

    first: float = 0.1
    longest: float = 5.0
    watch: float = 1.0


class _Expired(Exception):
    """The API no longer knows the version the watch began at."""


@dataclass
class Kind:
    """One kind of object. `listing` answers a raw HTTP response; `optional` kinds may be unknown to the API."""

    name: str
    listing: Lister
    optional: bool = False
    stopped: threading.Event = field(default_factory=threading.Event)
    response: Any = None


def kinds(kubeconfig: str) -> list[Kind]:
    """The kinds the gateway needs, read through the official client."""
    from kubernetes import client, config  # heavy: most of a second, and tests of routing need none of it

    api = config.new_client_from_config(kubeconfig, persist_config=False)
    core, custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
    gateway_api = partial(custom.list_cluster_custom_object, "gateway.networking.k8s.io", "v1")
    return [
        Kind("Gateway", partial(gateway_api, "gateways"), optional=True),
        Kind("HTTPRoute", partial(gateway_api, "httproutes"), optional=True),
        Kind("Service", core.list_service_for_all_namespaces),
        Kind("Pod", core.list_pod_for_all_namespaces),
    ]


class Watcher:
    """Runs one thread per kind, from `start` to `stop`. The sink is called from those threads."""

    def __init__(self, watched: list[Kind], sink: Sink, pace: Pace = Pace()) -> None:
        self._kinds = watched
        self._sink = sink
        self._pace = pace

    def start(self) -> None:
        """Begins to list and watch."""
        for kind in self._kinds:
            threading.Thread(target=self._run, args=(kind,), name=f"watch-{kind.name}", daemon=True).start()

    def stop(self) -> None:
        """Ends the threads, soon: a read in progress is broken off."""
        for kind in self._kinds:
            kind.stopped.set()
            response = kind.response
            if response is not None:
                try:
                    response.shutdown()
                except (ValueError, RuntimeError):  # it had ended by itself
                    continue

    def _run(self, kind: Kind) -> None:
        pause, said = self._pace.first, ""
        while not kind.stopped.is_set():
            try:
                for _ in self._follow(kind):
                    pause, said = self._pace.first, ""
            except _Expired:
                log.info("listing %s again: the watch's version is too old", kind.name)
            except Exception as error:  # noqa: BLE001 - whatever the API or the network does, the thread must outlive it
                message = f"{type(error).__name__}: {error}".splitlines()[0]
                if not kind.stopped.is_set() and message != said:
                    log.warning("cannot watch %s, trying again: %s", kind.name, message)
                said = message
            kind.stopped.wait(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, self._pace.longest)

    def _follow(self, kind: Kind) -> Iterator[None]:
        """Lists, then watches until something goes wrong; yields whenever the API has proved to be well."""
        version = self._list(kind)
        while not kind.stopped.is_set():
            started = time.monotonic()
            for event in self._events(kind, version):
                version = self._apply(kind, event) or version
                yield
            if (
                time.monotonic() - started < self._pace.watch
            ):  # an API that ends watches at once is not to be asked in a tight loop
                return
            yield

    def _list(self, kind: Kind) -> str:
        """Tells the sink all objects; answers the version to watch from. A kind the API does not know has none."""
        try:
            response = kind.listing(_preload_content=False, _request_timeout=(_CONNECT, 30.0))
        except Exception as error:
            if kind.optional and getattr(error, "status", None) == 404:
                self._sink.replace(kind.name, [])
            raise
        said = json.loads(response.data)
        self._sink.replace(kind.name, said["items"])
        return str(said["metadata"]["resourceVersion"])

    def _events(self, kind: Kind, version: str) -> Iterator[Mapping[str, Any]]:
        """The events of one watch request; it ends by itself after a while, as watches do."""
        response = kind.listing(
            watch=True,
            resource_version=version,
            allow_watch_bookmarks=True,
            timeout_seconds=_WATCH,
            _preload_content=False,
            _request_timeout=(_CONNECT, _WATCH + 10.0),
        )
        kind.response = response
        try:
            rest = b""
            for data in response.stream(amt=None):
                *lines, rest = (rest + data).split(b"\n")
                yield from (json.loads(line) for line in lines if line)
        finally:
            kind.response = None
            response.close()

    def _apply(self, kind: Kind, event: Mapping[str, Any]) -> str | None:
        thing: Thing = event["object"]
        match event["type"]:
            case "ADDED" | "MODIFIED":
                self._sink.put(kind.name, thing)
            case "DELETED":
                self._sink.remove(kind.name, thing)
            case "ERROR":
                raise _Expired(thing.get("message", ""))
        version = (thing.get("metadata") or {}).get("resourceVersion")
        return str(version) if version else None
