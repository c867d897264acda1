"""Deployments: one ReplicaSet for each pod template, and the way from the old ones to the new one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cygni.local.kube.controllers.base import Base
from cygni.local.kube.controllers.deployment_status import deployment_status, is_complete
from cygni.local.kube.controllers.rolling import (
    HASH_LABEL,
    SetState,
    bounds_of,
    next_new,
    next_old,
    plain_template,
    template_hash,
)
from cygni.local.kube.objects import (
    Obj,
    controller_of,
    deep_copy,
    get_path,
    is_deleting,
    name_of,
    namespace_of,
    owner_reference,
)
from cygni.local.kube.storage.store import Change, Key

DEPLOYMENTS = "deployments.apps"
REPLICA_SETS = "replicasets.apps"
REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MOST = "deployment.kubernetes.io/max-replicas"
_NOT_COPIED = frozenset({REVISION, _DESIRED, _MOST, "kubectl.kubernetes.io/last-applied-configuration"})


def revision_of(obj: Obj) -> int:
    """The number of a ReplicaSet's or Deployment's revision, 0 if it has none."""
    return int(get_path(obj, "metadata", "annotations", REVISION, default="0"))


class Deployments(Base):
    """See the module."""

    def concerns(self, change: Change) -> Iterable[Key]:
        if change.key.resource == DEPLOYMENTS:
            return [change.key]
        if change.key.resource == REPLICA_SETS:
            owner = controller_of(change.obj)
            return [Key(DEPLOYMENTS, change.key.namespace, owner["name"])] if owner and owner["kind"] == "Deployment" else []
        return []

    def reconcile(self, key: Key) -> float | None:
        deployment = self.store.get(key)
        if deployment is None:
            return None
        sets = sorted(self.claim(deployment, REPLICA_SETS), key=lambda each: each["metadata"]["creationTimestamp"])
        if not is_deleting(deployment):
            current = self._current(deployment, sets)
            if deployment["spec"].get("paused"):
                self._resize_paused(deployment, current, sets)
            else:
                self._roll(deployment, current, sets)
            self._forget_old(deployment)
        return self._report(key)

    def _current(self, deployment: Obj, sets: list[Obj]) -> Obj | None:
        """The ReplicaSet of the Deployment's template, if there is one."""
        template = deployment["spec"]["template"]
        return next((each for each in sets if plain_template(each) == template), None)

    def _roll(self, deployment: Obj, current: Obj | None, sets: list[Obj]) -> None:
        old = [each for each in sets if each is not current]
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            resized = [each for each in old if self._resize(deployment, each, 0)]
            if resized or self._has_pods(old):
                return
            current = self._ensure(deployment, current, sets, deployment["spec"]["replicas"])
            self._resize(deployment, current, deployment["spec"]["replicas"])
            return
        bounds = bounds_of(deployment)
        states = [_state(each) for each in old]
        if current is None:
            current = self._ensure(deployment, None, sets, next_new(bounds, SetState("", 0, 0), states))
        else:
            current = self._ensure(deployment, current, sets, 0)
            current = self._resize(deployment, current, next_new(bounds, _state(current), states)) or current
        changes = next_old(bounds, _state(current), states)
        for each in old:
            if name_of(each) in changes:
                self._resize(deployment, each, changes[name_of(each)])

    def _has_pods(self, sets: list[Obj]) -> bool:
        uids = {each["metadata"]["uid"] for each in sets}
        pods = self.store.select("pods", namespace_of(sets[0])) if sets else []
        return any((controller_of(pod) or {}).get("uid") in uids for pod in pods)

    def _resize_paused(self, deployment: Obj, current: Obj | None, sets: list[Obj]) -> None:
        """A paused Deployment rolls nothing out, but is still scaled while it has one ReplicaSet in use."""
        active = [each for each in sets if each["spec"].get("replicas")] or ([current] if current else sets[-1:])
        if len(active) == 1:
            self._resize(deployment, active[0], deployment["spec"]["replicas"])

    def _ensure(self, deployment: Obj, current: Obj | None, sets: list[Obj], replicas: int) -> Obj:
        """The current ReplicaSet, made if need be (with that many replicas), and carrying the latest revision."""
        newest = max((revision_of(each) for each in sets if each is not current), default=0)
        revision = max(newest + 1, revision_of(current) if current else 0)
        if current is None:
            current = self._make(deployment, revision, replicas)
        else:
            current = self.edit(REPLICA_SETS, current, lambda copy: _annotate(copy, deployment, revision))
        if revision_of(deployment) != revision:
            self.edit(DEPLOYMENTS, deployment, lambda copy: _set_annotation(copy, REVISION, str(revision)))
        return current

    def _make(self, deployment: Obj, revision: int, replicas: int) -> Obj:
        template = deep_copy(deployment["spec"]["template"])
        digest = template_hash(template)
        template["metadata"]["labels"] = {**template["metadata"].get("labels", {}), HASH_LABEL: digest}
        selector = deep_copy(deployment["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
        spec: Obj = {"replicas": replicas, "selector": selector, "template": template}
        if deployment["spec"].get("minReadySeconds"):
            spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
        body: Obj = {
            "metadata": {
                "name": f"{name_of(deployment)}-{digest}",
                "labels": dict(template["metadata"]["labels"]),
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": spec,
        }
        _annotate(body, deployment, revision)
        made = self.create(REPLICA_SETS, namespace_of(deployment), body)
        if replicas:
            self.event(deployment, "Normal", "ScalingReplicaSet", f"Scaled up replica set {name_of(made)} from 0 to {replicas}")
        return made

    def _resize(self, deployment: Obj, replica_set: Obj, replicas: int) -> Obj | None:
        """Give a ReplicaSet another size; None if it has it already."""
        before = replica_set["spec"].get("replicas", 0)

        def change(copy: Obj) -> None:
            copy["spec"]["replicas"] = replicas
            _annotate(copy, deployment, None)

        changed = self.edit(REPLICA_SETS, replica_set, change)
        if before == replicas:
            return None
        direction = "up" if replicas > before else "down"
        message = f"Scaled {direction} replica set {name_of(replica_set)} from {before} to {replicas}"
        self.event(deployment, "Normal", "ScalingReplicaSet", message)
        return changed

    def _forget_old(self, deployment: Obj) -> None:
        """Delete the oldest unused ReplicaSets beyond the history limit."""
        fresh = self.store.get(Key(DEPLOYMENTS, namespace_of(deployment), name_of(deployment)))
        if fresh is None or not is_complete(fresh):
            return
        sets = self.claim(fresh, REPLICA_SETS)
        current = self._current(fresh, sets)
        unused = [each for each in sets if each is not current and _is_unused(each)]
        surplus = len(unused) - int(fresh["spec"].get("revisionHistoryLimit", 10))
        for each in sorted(unused, key=revision_of)[: max(0, surplus)]:
            self.delete(self.resource(REPLICA_SETS), each)

    def _report(self, key: Key) -> float | None:
        deployment = self.store.get(key)
        if deployment is None:
            return None
        sets = self.claim(deployment, REPLICA_SETS)
        status, again = deployment_status(deployment, self._current(deployment, sets), sets)
        self.set_status(DEPLOYMENTS, deployment, status)
        return again


def _is_unused(replica_set: Obj) -> bool:
    """Whether a ReplicaSet wants no pods, has none, and knows it."""
    status = replica_set.get("status") or {}
    settled = status.get("observedGeneration", 0) >= replica_set["metadata"]["generation"]
    return not (replica_set["spec"].get("replicas") or status.get("replicas")) and settled and not is_deleting(replica_set)


def _state(replica_set: Obj) -> SetState:
    available = int(get_path(replica_set, "status", "availableReplicas", default=0))
    return SetState(name_of(replica_set), int(replica_set["spec"].get("replicas", 0)), available)


def _set_annotation(obj: Obj, name: str, value: Any) -> None:
    obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), name: str(value)}


def _annotate(replica_set: Obj, deployment: Obj, revision: int | None) -> None:
    """A ReplicaSet carries its Deployment's annotations and its own numbers. In place."""
    copied = {
        name: value for name, value in (deployment["metadata"].get("annotations") or {}).items() if name not in _NOT_COPIED
    }
    bounds = bounds_of(deployment)
    numbers = {_DESIRED: str(bounds.replicas), _MOST: str(bounds.most)}
    if revision is not None:
        numbers[REVISION] = str(revision)
    replica_set["metadata"]["annotations"] = {**(replica_set["metadata"].get("annotations") or {}), **copied, **numbers}
