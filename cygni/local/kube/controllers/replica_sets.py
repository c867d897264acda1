"""ReplicaSets: as many pods as wished, no more."""

from __future__ import annotations

from collections.abc import Iterable

from cygni.local.kube.controllers.base import Base, seconds_since, set_condition
from cygni.local.kube.errors import ApiError
from cygni.local.kube.objects import (
    Obj,
    controller_of,
    deep_copy,
    find_condition,
    get_path,
    is_deleting,
    is_pod_ready,
    name_of,
    namespace_of,
    owner_reference,
)
from cygni.local.kube.selectors import matches
from cygni.local.kube.storage.store import Change, Key

REPLICA_SETS = "replicasets.apps"
_BURST = 100
_RETRY_SECONDS = 5.0


def _is_active(pod: Obj) -> bool:
    return not is_deleting(pod) and get_path(pod, "status", "phase") not in {"Succeeded", "Failed"}


def _rank(pod: Obj) -> tuple[bool, bool, bool, str]:
    """Pods in the order in which they are given up: without a node, not running, not ready, youngest first."""
    phase = get_path(pod, "status", "phase", default="Pending")
    age = "".join(chr(0x10FFFF - ord(letter)) for letter in pod["metadata"]["creationTimestamp"])
    return bool(get_path(pod, "spec", "nodeName")), phase == "Running", is_pod_ready(pod), age


def _ready_for(pod: Obj) -> float:
    condition = find_condition(pod, "Ready") or {}
    return seconds_since(condition.get("lastTransitionTime"))


class ReplicaSets(Base):
    """See the module."""

    def concerns(self, change: Change) -> Iterable[Key]:
        if change.key.resource == REPLICA_SETS:
            return [change.key]
        if change.key.resource != "pods":
            return []
        owner = controller_of(change.obj)
        if owner is not None:
            return [Key(REPLICA_SETS, change.key.namespace, owner["name"])] if owner["kind"] == "ReplicaSet" else []
        labels = change.obj["metadata"].get("labels") or {}
        sets = self.store.select(REPLICA_SETS, change.key.namespace)
        return [
            Key(REPLICA_SETS, change.key.namespace, name_of(each)) for each in sets if matches(each["spec"]["selector"], labels)
        ]

    def reconcile(self, key: Key) -> float | None:
        replica_set = self.store.get(key)
        if replica_set is None:
            return None
        pods = [pod for pod in self.claim(replica_set, "pods") if _is_active(pod)]
        failure = None
        if not is_deleting(replica_set):
            failure = self._balance(replica_set, pods)
        fresh = self.store.get(key)
        if fresh is None:
            return None
        return self._report(fresh, failure)

    def _balance(self, replica_set: Obj, pods: list[Obj]) -> ApiError | None:
        """Make or delete pods; the refusal if a pod could not be made."""
        missing = int(replica_set["spec"].get("replicas", 1)) - len(pods)
        for _ in range(min(missing, _BURST)):
            try:
                self._make(replica_set)
            except ApiError as error:
                self.event(replica_set, "Warning", "FailedCreate", f"Error creating: {error}")
                return error
        for pod in sorted(pods, key=_rank)[: max(0, -missing)]:
            self.delete(self.resource("pods"), pod)
            self.event(replica_set, "Normal", "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        return None

    def _make(self, replica_set: Obj) -> None:
        template = deep_copy(replica_set["spec"]["template"])
        metadata = template.get("metadata") or {}
        kept = {field: metadata[field] for field in ("labels", "annotations", "finalizers") if metadata.get(field)}
        owners = [owner_reference(replica_set)]
        body = {
            "metadata": {**kept, "generateName": f"{name_of(replica_set)}-", "ownerReferences": owners},
            "spec": template["spec"],
        }
        pod = self.create("pods", namespace_of(replica_set), body)
        self.event(replica_set, "Normal", "SuccessfulCreate", f"Created pod: {name_of(pod)}")

    def _report(self, replica_set: Obj, failure: ApiError | None) -> float | None:
        wait = float(replica_set["spec"].get("minReadySeconds", 0))
        pods = [pod for pod in self.claim(replica_set, "pods") if _is_active(pod)]
        ready = [pod for pod in pods if is_pod_ready(pod)]
        available = [pod for pod in ready if _ready_for(pod) >= wait]
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": len(ready), "availableReplicas": len(available)}
        status: Obj = {"replicas": len(pods), "observedGeneration": replica_set["metadata"]["generation"]}
        status |= {field: count for field, count in counts.items() if count}
        if failure is not None:
            status["conditions"] = deep_copy(get_path(replica_set, "status", "conditions", default=[]))
            set_condition(status, "ReplicaFailure", "True", "FailedCreate", str(failure))
        self.set_status(REPLICA_SETS, replica_set, status)
        if failure is not None:
            return _RETRY_SECONDS
        short = int(replica_set["spec"].get("replicas", 1)) > len(pods) and not is_deleting(replica_set)
        soonest = min((wait - _ready_for(pod) for pod in ready if pod not in available), default=None)
        return 0.0 if short else (soonest + 0.1 if soonest is not None else None)
