"""How an object goes: at once, after its grace period, or when its finalizers are done. Pure decisions."""

from __future__ import annotations

import datetime

from cygni.local.kube.objects import Obj, get_path, timestamp
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.verbs.options import DeleteOptions

ORPHAN = "orphan"
FOREGROUND = "foregroundDeletion"


def start_deletion(resource: Resource, old: Obj, options: DeleteOptions) -> Obj:
    """The object as a deletion leaves it: marked with deletionTimestamp, and with the finalizer of its propagation policy."""
    metadata = dict(old["metadata"])
    finalizers = [
        name for name in metadata.get("finalizers") or [] if not options.propagation or name not in {ORPHAN, FOREGROUND}
    ]
    wanted = {"Orphan": ORPHAN, "Foreground": FOREGROUND}.get(options.propagation)
    if wanted:
        finalizers.append(wanted)
    if finalizers:
        metadata["finalizers"] = finalizers
    else:
        metadata.pop("finalizers", None)
    grace = _grace(resource, old, options)
    already = metadata.get("deletionTimestamp")
    if not already or grace < metadata.get("deletionGracePeriodSeconds", 0):
        moment = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=grace)
        metadata["deletionTimestamp"] = timestamp(moment)
        metadata["deletionGracePeriodSeconds"] = grace
        if not already and "generation" in metadata:
            metadata["generation"] += 1
    doomed = {**old, "metadata": metadata}
    if resource.key == "namespaces":
        doomed["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
    return doomed


def _grace(resource: Resource, obj: Obj, options: DeleteOptions) -> int:
    """Seconds that a pod's processes get: none for pods that never ran on a node or have ended."""
    if resource.key != "pods" or not get_path(obj, "spec", "nodeName"):
        return 0
    if get_path(obj, "status", "phase") in {"Succeeded", "Failed"}:
        return 0
    if options.grace is not None:
        return max(0, options.grace)
    return int(get_path(obj, "spec", "terminationGracePeriodSeconds", default=30))


def is_finished(resource: Resource, obj: Obj) -> bool:
    """Whether nothing keeps a deleted object any longer."""
    metadata = obj["metadata"]
    if not metadata.get("deletionTimestamp") or metadata.get("finalizers"):
        return False
    if resource.key == "namespaces" and get_path(obj, "spec", "finalizers"):
        return False
    return not metadata.get("deletionGracePeriodSeconds")
