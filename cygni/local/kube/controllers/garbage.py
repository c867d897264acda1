"""Owners and dependents: what belongs to something that is gone goes too.

Background: dependents follow after their owner. Foreground: the owner waits for dependents that block it. Orphan: dependents
lose the reference and stay. A dependent with several owners goes with the last of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from cygni.local.kube.controllers.base import MANAGER, Base
from cygni.local.kube.objects import Obj, deep_copy, is_deleting, name_of, namespace_of
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.storage.store import Change, Key
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.deletion import FOREGROUND, ORPHAN
from cygni.local.kube.verbs.options import DeleteOptions, WriteOptions


class Garbage(Base):
    """See the module. The index from owners to dependents is kept from what the loop tells."""

    def __init__(self, cluster: Cluster) -> None:
        super().__init__(cluster)
        self._dependents: dict[str, set[Key]] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        owners = {owner["uid"] for owner in change.obj["metadata"].get("ownerReferences") or []}
        before = {owner["uid"] for owner in (change.before or change.obj)["metadata"].get("ownerReferences") or []}
        for uid in before - owners if change.type != "DELETED" else before | owners:
            self._dependents.get(uid, set()).discard(change.key)
        if change.type == "DELETED":
            dependents = self._dependents.pop(change.obj["metadata"]["uid"], set())
            return [*dependents, *self._waiting_owners(change)]
        for uid in owners:
            self._dependents.setdefault(uid, set()).add(change.key)
        marked = {ORPHAN, FOREGROUND} & set(change.obj["metadata"].get("finalizers") or [])
        return [change.key] if owners or (marked and is_deleting(change.obj)) else []

    def _waiting_owners(self, change: Change) -> Iterable[Key]:
        for reference in change.obj["metadata"].get("ownerReferences") or []:
            owner = self._find(change.obj, reference)
            if owner is not None and FOREGROUND in (owner[1]["metadata"].get("finalizers") or []):
                yield owner[0]

    def _find(self, dependent: Obj, reference: Obj) -> tuple[Key, Obj] | None:
        """The owner that a reference names, if it still is the same object."""
        resource = self.cluster.catalog.by_kind(reference["apiVersion"], reference["kind"])
        if resource is None:
            return None
        key = self.cluster.key(resource, namespace_of(dependent), reference["name"])
        owner = self.store.get(key)
        return (key, owner) if owner is not None and owner["metadata"]["uid"] == reference["uid"] else None

    def reconcile(self, key: Key) -> float | None:
        resource = self.cluster.catalog.by_key(key.resource)
        obj = self.store.get(key)
        if resource is None or obj is None:
            return None
        if is_deleting(obj):
            finalizers = obj["metadata"].get("finalizers") or []
            if ORPHAN in finalizers:
                self._release(resource, obj)
                return None
            if FOREGROUND in finalizers:
                self._sweep(resource, obj)
                return None
        self._follow_owners(resource, obj)
        return None

    def _follow_owners(self, resource: Resource, obj: Obj) -> None:
        """Delete an object all of whose owners are gone (or wait for it); drop references to those that are gone."""
        references = obj["metadata"].get("ownerReferences") or []
        found = [(reference, self._find(obj, reference)) for reference in references]
        if any(owner is None and not self._is_served(reference) for reference, owner in found):
            return
        solid = [reference for reference, owner in found if owner is not None and not _waits(owner[1])]
        waiting = [reference for reference, owner in found if owner is not None and _waits(owner[1])]
        if solid:
            if len(solid) != len(references):
                self._set_owners(resource, obj, solid)
        elif references and not is_deleting(obj):
            policy = "Foreground" if waiting and self._dependents.get(obj["metadata"]["uid"]) else "Background"
            finalizers = set(obj["metadata"].get("finalizers") or [])
            policy = "Orphan" if ORPHAN in finalizers else policy
            self.delete(resource, obj, DeleteOptions(propagation=policy, uid=obj["metadata"]["uid"]))

    def _is_served(self, reference: Obj) -> bool:
        return self.cluster.catalog.by_kind(reference["apiVersion"], reference["kind"]) is not None

    def _release(self, resource: Resource, owner: Obj) -> None:
        uid = owner["metadata"]["uid"]
        for key in sorted(self._dependents.get(uid, set()), key=str):
            dependent, kind = self.store.get(key), self.cluster.catalog.by_key(key.resource)
            if dependent is not None and kind is not None:
                left = [each for each in dependent["metadata"].get("ownerReferences") or [] if each["uid"] != uid]
                self._set_owners(kind, dependent, left)
        self._finish(resource, owner, ORPHAN)

    def _sweep(self, resource: Resource, owner: Obj) -> None:
        """Delete what depends on an owner that waits; let the owner go when nothing blocks it any more."""
        uid = owner["metadata"]["uid"]
        blocked = False
        for key in sorted(self._dependents.get(uid, set()), key=str):
            dependent, kind = self.store.get(key), self.cluster.catalog.by_key(key.resource)
            if dependent is None or kind is None:
                continue
            self._follow_owners(kind, dependent)
            left = self.store.get(key)
            references = (left or {"metadata": {}})["metadata"].get("ownerReferences") or []
            blocked = blocked or any(each["uid"] == uid and each.get("blockOwnerDeletion") for each in references)
        if not blocked:
            fresh = self.store.get(self.cluster.key(resource, namespace_of(owner), name_of(owner)))
            if fresh is not None:
                self._finish(resource, fresh, FOREGROUND)

    def _set_owners(self, resource: Resource, obj: Obj, owners: list[Obj]) -> None:
        copy = deep_copy(obj)
        copy["metadata"]["ownerReferences"] = owners
        self._write(resource, copy)

    def _finish(self, resource: Resource, obj: Obj, finalizer: str) -> None:
        copy = deep_copy(obj)
        copy["metadata"]["finalizers"] = [each for each in copy["metadata"].get("finalizers") or [] if each != finalizer]
        self._write(resource, copy)

    def _write(self, resource: Resource, obj: Obj) -> None:
        self.cluster.update(resource, namespace_of(obj), name_of(obj), obj, WriteOptions(manager=MANAGER))


def _waits(owner: Obj) -> bool:
    return is_deleting(owner) and FOREGROUND in (owner["metadata"].get("finalizers") or [])
