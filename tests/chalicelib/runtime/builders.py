"""Objects as a cluster reports them, with defaults for all that a test does not speak of."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import jsonschema
from kubernetes_validate import utils
from referencing import Registry, Resource

from chalicelib.projects.spec import ServiceSpec
from chalicelib.runtime.rules import Manifest, Target, Workload

T0 = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = Target("team_00000000000000000000000001", "shop", "prod", "web")
HOST = TARGET.host("localhost", home=TARGET.team)
IMAGE = "registry.localhost:5000/shop/web@sha256:" + "a" * 64


def at(seconds: float) -> str:
    """So many seconds after T0, as Kubernetes writes time."""
    return (T0 + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def workload(number: int = 1, *, target: Target = TARGET, spec: Mapping[str, Any] | None = None, **changes: Any) -> Workload:
    fields: dict[str, Any] = {"image": IMAGE, "command": None, "config": {}, "replicas": 2} | changes
    return Workload(target=target, number=number, spec=ServiceSpec.model_validate(spec or {}), **fields)


def deployment(*, replicas: int = 1, ready: int = 0, deadline: int = 120, generation: int = 1, **status: Any) -> Manifest:
    done = {"observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": ready}
    return {
        "metadata": {"name": "web-r1", "generation": generation, "creationTimestamp": at(0)},
        "spec": {"replicas": replicas, "progressDeadlineSeconds": deadline},
        "status": done | status,
    }


def condition(kind: str, status: str, reason: str = "", message: str = "", since: float = 0) -> Manifest:
    times = {"lastTransitionTime": at(since), "lastUpdateTime": at(since)}
    return {"type": kind, "status": status, "reason": reason, "message": message} | times


def running(since: float = 1) -> Manifest:
    return {"running": {"startedAt": at(since)}}


def waiting(reason: str, message: str = "") -> Manifest:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, *, reason: str = "", began: float = 1, finished: float = 3) -> Manifest:
    reason = reason or ("Completed" if code == 0 else "Error")
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": at(began), "finishedAt": at(finished)}}


def pod(
    state: Manifest | None = None,
    *,
    name: str = "web-r1-a",
    last: Manifest | None = None,
    restarts: int = 0,
    ready: bool = False,
    conditions: tuple[Manifest, ...] = (),
    deleting: bool = False,
) -> Manifest:
    """A pod whose container is in `state` (None: there is no container yet)."""
    status = {"name": "app", "state": state, "lastState": last or {}, "restartCount": restarts, "ready": ready}
    resources = {"limits": {"memory": "256Mi"}}
    container = {"name": "app", "ports": [{"name": "http", "containerPort": 8080}], "resources": resources}
    gone = {"deletionTimestamp": at(2)} if deleting else {}
    return {
        "metadata": {"name": name, "namespace": TARGET.namespace, "labels": TARGET.labels(1), **gone},
        "spec": {"containers": [container]},
        "status": {
            "conditions": [condition("Ready", "True" if ready else "False"), *conditions],
            "containerStatuses": [] if state is None else [status],
        },
    }


def event(reason: str, message: str, *, first: float = 2, last: float | None = None, pod: str = "web-r1-a") -> Manifest:
    times = {"firstTimestamp": at(first), "lastTimestamp": at(first if last is None else last)}
    return {"involvedObject": {"kind": "Pod", "name": pod}, "reason": reason, "message": message, **times}


@lru_cache
def _definitions(version: str) -> Registry[Any]:
    contents = utils.schema_contents(f"kubernetes-json-schema/v{version}-local-strict/_definitions.json", version)
    return Resource.from_contents(contents) @ Registry()


@lru_cache
def _validator(version: str, file: str) -> Any:
    schema = utils.schema_contents(f"kubernetes-json-schema/v{version}-local-strict/{file}", version)
    registry = Resource.from_contents(schema) @ _definitions(version)
    return jsonschema.Draft202012Validator(schema, registry=registry)


def assert_valid(manifest: Manifest, version: str) -> None:
    """What `kubernetes_validate.validate(…, strict=True)` asserts, reading each schema once."""
    group = manifest["apiVersion"].split("/")
    short = "-".join([group[0].split(".")[0], *group[1:]])
    _validator(version, f"{manifest['kind'].lower()}-{short}.json").validate(manifest)
