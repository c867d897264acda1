"""The objects that contract tests write."""

from __future__ import annotations

from typing import Any

from tests.contract.api import Obj

DEPLOYMENTS = "apps/v1/deployments"
REPLICA_SETS = "apps/v1/replicasets"


def config(name: str, data: dict[str, str] | None = None, **metadata: Any) -> Obj:
    """A ConfigMap."""
    body: Obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}}
    return {**body, "data": data} if data else body


def container(**fields: Any) -> Obj:
    """A container as a node would run it, if there were one."""
    return {"name": "app", "image": "registry.example/web@sha256:" + "0" * 64, **fields}


def pod_spec(**fields: Any) -> Obj:
    """A pod's spec that a node selector keeps off any node."""
    spec = {"containers": [container(**fields)], "nodeSelector": {"cygni.dev/no-such-node": "true"}}
    return {**spec, "automountServiceAccountToken": False, "enableServiceLinks": False}


def pod(name: str, **metadata: Any) -> Obj:
    """A pod."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": pod_spec()}


def deployment(name: str = "web", replicas: int | None = 1, **fields: Any) -> Obj:
    """A Deployment of one container; `fields` are the container's."""
    labels = {"app": name}
    spec: Obj = {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod_spec(**fields)}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": labels}, "spec": spec}


def service(name: str = "web", **spec: Any) -> Obj:
    """A Service of one port."""
    default = {"selector": {"app": name}, "ports": [{"port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {**default, **spec}}


def widget(group_version: str, name: str, **spec: Any) -> Obj:
    """A custom resource of the tests."""
    return {"apiVersion": group_version, "kind": "Widget", "metadata": {"name": name}, "spec": {"size": 1, **spec}}


def owned_by(owner: Obj, **fields: Any) -> list[Obj]:
    """ownerReferences to an object."""
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"]}
    return [{**reference, "uid": owner["metadata"]["uid"], **fields}]


def without(obj: Obj, *path: str) -> Obj:
    """A copy of an object without a field."""
    first, *rest = path
    if not rest:
        return {key: value for key, value in obj.items() if key != first}
    return {**obj, first: without(obj[first], *rest)}


def first_container(obj: Obj) -> Obj:
    """The first container of a Deployment's template."""
    found: Obj = obj["spec"]["template"]["spec"]["containers"][0]
    return found


def managers(obj: Obj) -> set[tuple[str, str, str]]:
    """(manager, operation, subresource) of every entry of managedFields."""
    entries = obj["metadata"].get("managedFields", [])
    return {(entry["manager"], entry["operation"], entry.get("subresource", "")) for entry in entries}
