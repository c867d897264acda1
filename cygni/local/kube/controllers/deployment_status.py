"""What a Deployment says of itself: counts, and the conditions Available and Progressing. Pure but for the clock of `base`."""

from __future__ import annotations

from collections.abc import Sequence

from cygni.local.kube.controllers.base import seconds_since, set_condition
from cygni.local.kube.controllers.rolling import bounds_of
from cygni.local.kube.objects import Obj, deep_copy, find_condition, get_path, name_of, now

_DONE = "NewReplicaSetAvailable"
_LATE = "ProgressDeadlineExceeded"


def _sum(sets: Sequence[Obj], field: str) -> int:
    return sum(int(get_path(each, "status", field, default=0)) for each in sets)


def is_complete(deployment: Obj) -> bool:
    """Whether all pods are of the current template and available, and nothing else is left."""
    status = deployment.get("status") or {}
    wanted = deployment["spec"].get("replicas", 1)
    counts = {int(status.get(field, 0)) for field in ("updatedReplicas", "replicas", "availableReplicas")}
    return counts == {wanted} and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]


def deployment_status(deployment: Obj, current: Obj | None, sets: Sequence[Obj]) -> tuple[Obj, float | None]:
    """(status, seconds until the progress deadline should be looked at, if it runs)."""
    old_status: Obj = deployment.get("status") or {}
    status: Obj = {"observedGeneration": deployment["metadata"]["generation"]}
    counts = {
        "replicas": _sum(sets, "replicas"),
        "updatedReplicas": _sum([current] if current else [], "replicas"),
        "readyReplicas": _sum(sets, "readyReplicas"),
        "availableReplicas": _sum(sets, "availableReplicas"),
    }
    counts["unavailableReplicas"] = max(0, sum(each["spec"].get("replicas", 0) for each in sets) - counts["availableReplicas"])
    status |= {field: count for field, count in counts.items() if count}
    status["conditions"] = deep_copy(old_status.get("conditions") or [])
    _available(deployment, status)
    again = _progressing(deployment, current, old_status, status)
    return status, again


def _available(deployment: Obj, status: Obj) -> None:
    if status.get("availableReplicas", 0) >= bounds_of(deployment).least_available:
        set_condition(
            status, "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", updates=True
        )
    else:
        message = "Deployment does not have minimum availability."
        set_condition(status, "Available", "False", "MinimumReplicasUnavailable", message, updates=True)


def _progressing(deployment: Obj, current: Obj | None, before: Obj, status: Obj) -> float | None:
    known = find_condition({"status": before}, "Progressing")
    subject = f'ReplicaSet "{name_of(current)}"' if current else f'Deployment "{name_of(deployment)}"'
    if deployment["spec"].get("paused"):
        set_condition(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", updates=True)
        return None
    if is_complete({**deployment, "status": status}):
        set_condition(status, "Progressing", "True", _DONE, f"{subject} has successfully progressed.", updates=True)
        return None
    rolled_out = (
        known is not None and known["reason"] == _DONE and status.get("replicas", 0) == status.get("updatedReplicas", 0)
    )
    if rolled_out and known is not None and str(known.get("message", "")).startswith(subject):
        return None
    if (
        known is None
        or _moved(before, status)
        or not str(known.get("message", "")).startswith(subject)
        or known["status"] == "Unknown"
    ):
        set_condition(status, "Progressing", "True", "ReplicaSetUpdated", f"{subject} is progressing.", updates=True)
        _touch(status)
        return float(deployment["spec"].get("progressDeadlineSeconds", 600)) + 0.1
    if known["reason"] == _LATE:
        return None
    left = float(deployment["spec"].get("progressDeadlineSeconds", 600)) - seconds_since(known.get("lastUpdateTime"))
    if left > 0:
        return left + 0.1
    set_condition(status, "Progressing", "False", _LATE, f"{subject} has timed out progressing.", updates=True)
    return None


def _touch(status: Obj) -> None:
    """Progress was made: the deadline starts again."""
    condition = find_condition({"status": status}, "Progressing")
    if condition is not None:
        condition["lastUpdateTime"] = now()


def _moved(before: Obj, status: Obj) -> bool:
    """More new pods, fewer old ones, or more ready or available than last time."""

    def number(source: Obj, field: str) -> int:
        return int(source.get(field, 0))

    old_before = number(before, "replicas") - number(before, "updatedReplicas")
    old_now = number(status, "replicas") - number(status, "updatedReplicas")
    grew = any(
        number(status, field) > number(before, field) for field in ("updatedReplicas", "readyReplicas", "availableReplicas")
    )
    return grew or old_now < old_before
