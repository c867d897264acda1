"""Kubernetes objects as an API sends them, with everything that a test does not speak of filled in."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cygni.local.gateway.objects import read_gateway, read_pod, read_route, read_service
from cygni.local.gateway.table import Table, build_table

Thing = dict[str, Any]


def pod(
    name: str = "web-1",
    *,
    app: str = "web-r1",
    port: int | None = None,
    ready: bool = True,
    deleting: bool = False,
    namespace: str = "shop",
) -> Thing:
    """A pod labelled `app`, serving its container port 8080 on host port `port` (or on 8080 itself)."""
    meta: Thing = {"namespace": namespace, "name": name, "uid": f"uid-{name}", "labels": {"app": app}}
    if port is not None:
        meta["annotations"] = {"cygni.dev/host-ports": json.dumps({"8080": port})}
    if deleting:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    containers = [{"name": "app", "ports": [{"name": "http", "containerPort": 8080}]}]
    return {"metadata": meta, "spec": {"containers": containers}, "status": {"podIP": "127.0.0.1", "conditions": conditions}}


def service(
    name: str = "web-r1", *, revision: str = "r1", target: int | str = "http", namespace: str = "shop", idle: str = ""
) -> Thing:
    """A Service that selects pods labelled with its own name; with `idle` seconds, one that sleeps."""
    meta: Thing = {"namespace": namespace, "name": name, "labels": {"cygni.dev/revision": revision}}
    if idle:
        meta["annotations"] = {"cygni.dev/idle-seconds": idle}
    return {"metadata": meta, "spec": {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": target}]}}


def rule(weights: Mapping[str, int] | None = None, **others: Any) -> Thing:
    """A rule with these weights; everything else of a rule by its own name."""
    refs = [{"name": name, "port": 80, "weight": weight} for name, weight in (weights or {"web-r1": 100}).items()]
    return {"backendRefs": refs, **others}


def route(
    *rules: Thing,
    name: str = "web",
    hosts: Sequence[str] = ("shop.localhost",),
    created: str = "2026-01-01T00:00:00Z",
    namespace: str = "shop",
    **parent: str,
) -> Thing:
    """An HTTPRoute that hangs from the Gateway cygni-system/cygni."""
    meta = {"namespace": namespace, "name": name, "creationTimestamp": created}
    parents = [{"name": "cygni", "namespace": "cygni-system", **parent}]
    return {"metadata": meta, "spec": {"parentRefs": parents, "hostnames": list(hosts), "rules": list(rules or (rule(),))}}


def gateway(*listeners: Thing) -> Thing:
    """The Gateway cygni-system/cygni."""
    return {"metadata": {"namespace": "cygni-system", "name": "cygni"}, "spec": {"listeners": list(listeners)}}


def listener(name: str = "http", hostname: str | None = None, admits: str = "All") -> Thing:
    """A listener on port 80."""
    raw: Thing = {"name": name, "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": admits}}}
    return raw | ({"hostname": hostname} if hostname else {})


def table(*routes: Thing, services: Sequence[Thing] = (), pods: Sequence[Thing] = (), gateways: Sequence[Thing] = ()) -> Table:
    """The table of these objects; one Service with one pod where none are given."""
    return build_table(
        [read_route(each) for each in routes],
        [read_service(each) for each in services or (service(),)],
        [read_pod(each) for each in pods or (pod(),)],
        [read_gateway(each) for each in gateways],
    )
