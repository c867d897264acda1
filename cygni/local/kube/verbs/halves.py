"""Which part of an object a write touches: the wish (spec and the like) or the report (status), and in whose name."""

from __future__ import annotations

from cygni.local.kube.apply.managers import Manager
from cygni.local.kube.objects import Obj, deep_copy
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.verbs.options import WriteOptions

_COUNTED_GROUPS = frozenset({"apps", "batch", "policy", "networking.k8s.io", "discovery.k8s.io", "apiextensions.k8s.io"})
_STATUS_MAY_LABEL = frozenset({"pods", "nodes"})


def counts_generations(resource: Resource) -> bool:
    """Whether objects of the kind have metadata.generation."""
    return resource.custom or resource.group in _COUNTED_GROUPS or resource.key == "pods"


def manager_of(resource: Resource, options: WriteOptions, operation: str) -> Manager:
    """The field manager in whose name a write is made."""
    return Manager(operation, options.manager[:128], resource.api_version, options.subresource)


def hidden_fields(resource: Resource, obj: Obj, subresource: str) -> frozenset[str]:
    """Top-level fields that the endpoint does not write."""
    if subresource == "status":
        return frozenset(f"f:{field}" for field in obj if field != "status")
    return frozenset({"f:status"}) if resource.has_status else frozenset()


def desired(resource: Resource, obj: Obj) -> Obj:
    """The part of an object in which a change is a new generation."""
    ignored = {"metadata", "status"} if resource.has_status else {"metadata"}
    return {field: value for field, value in obj.items() if field not in ignored}


def keep_other_half(resource: Resource, old: Obj, new: Obj, subresource: str) -> None:
    """A write to status leaves the rest as it was, and the other way round. In place."""
    if subresource == "status":
        metadata = new["metadata"]
        for field in set(old) | set(new):
            if field in {"status", "metadata"}:
                continue
            if field in old:
                new[field] = deep_copy(old[field])
            else:
                del new[field]
        if resource.key not in _STATUS_MAY_LABEL:
            managed = metadata.get("managedFields")
            new["metadata"] = {**deep_copy(old["metadata"]), **({"managedFields": managed} if managed is not None else {})}
    elif resource.has_status:
        new.pop("status", None)
        if "status" in old:
            new["status"] = deep_copy(old["status"])
