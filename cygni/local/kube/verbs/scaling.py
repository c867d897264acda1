"""The scale subresource: one small object in front of every kind that has replicas."""

from __future__ import annotations

from typing import Any

from cygni.local.kube import errors
from cygni.local.kube.objects import Obj, deep_copy, get_path
from cygni.local.kube.resources.kinds import Resource, ScalePaths
from cygni.local.kube.schema.tree import builtin
from cygni.local.kube.selectors import to_string

SCALE = Resource("autoscaling", "v1", "Scale", "scales", builtin("io.k8s.api.autoscaling.v1.Scale"))


def _steps(path: str) -> list[str]:
    return path.strip(".").split(".")


def to_scale(resource: Resource, obj: Obj) -> Obj:
    """The Scale of an object."""
    paths = resource.scale or ScalePaths()
    selector: Any = get_path(obj, *_steps(paths.selector)) if paths.selector else None
    status: Obj = {"replicas": get_path(obj, *_steps(paths.status), default=0)}
    text = selector if isinstance(selector, str) else to_string(selector)
    if text:
        status["selector"] = text
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    return {
        "kind": "Scale",
        "apiVersion": SCALE.api_version,
        "metadata": {field: obj["metadata"][field] for field in kept if field in obj["metadata"]},
        "spec": {"replicas": get_path(obj, *_steps(paths.spec), default=0)},
        "status": status,
    }


def read_scale(resource: Resource, obj: Obj) -> Obj:
    """The Scale of an object for who asks for it. A custom resource that names no number has none, unlike one to patch."""
    path = (resource.scale or ScalePaths()).spec
    if resource.custom and get_path(obj, *_steps(path)) is None:
        raise errors.internal(f'the spec replicas field "{path}" does not exist')
    return to_scale(resource, obj)


def from_scale(resource: Resource, obj: Obj, scale: Obj) -> Obj:
    """A copy of the object with the replicas (and the resourceVersion to compare) of a Scale."""
    changed: Obj = deep_copy(obj)
    *parents, last = _steps((resource.scale or ScalePaths()).spec)
    target = changed
    for step in parents:
        target = target.setdefault(step, {})
    target[last] = get_path(scale, "spec", "replicas", default=0)
    changed["metadata"]["resourceVersion"] = scale["metadata"].get("resourceVersion") or obj["metadata"]["resourceVersion"]
    return changed
