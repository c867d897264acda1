"""Things that empty themselves before they go: namespaces of their contents, definitions of their custom resources."""

from __future__ import annotations

from collections.abc import Iterable

from cygni.local.kube.controllers.base import Base
from cygni.local.kube.objects import Obj, is_deleting, name_of
from cygni.local.kube.storage.store import Change, Key
from cygni.local.kube.verbs.admission import CRD_CLEANUP
from cygni.local.kube.verbs.cluster import CRD_KEY
from cygni.local.kube.verbs.options import DeleteOptions


class Namespaces(Base):
    """A namespace that is going: delete everything in it, then let it go."""

    def concerns(self, change: Change) -> Iterable[Key]:
        if change.key.resource == "namespaces":
            return [change.key] if is_deleting(change.obj) else []
        if change.key.namespace:
            key = Key("namespaces", "", change.key.namespace)
            space = self.store.get(key)
            return [key] if space is not None and is_deleting(space) else []
        return []

    def reconcile(self, key: Key) -> float | None:
        space = self.store.get(key)
        if space is None or not is_deleting(space):
            return None
        left = 0
        for resource in {resource.key: resource for resource in self.cluster.catalog if resource.namespaced}.values():
            for obj in self.store.select(resource.key, key.name):
                if not is_deleting(obj):
                    self.delete(resource, obj, DeleteOptions(propagation="Background"))
            left += self.store.count(resource.key, key.name)
        if not left:
            fresh = self.store.get(key)
            if fresh is not None:
                self.edit("namespaces", fresh, lambda copy: copy["spec"].update(finalizers=[]), "finalize")
        return None


class Definitions(Base):
    """A CustomResourceDefinition that is going: delete its custom resources, then let it go."""

    def concerns(self, change: Change) -> Iterable[Key]:
        if change.key.resource == CRD_KEY:
            return [change.key] if is_deleting(change.obj) else []
        if change.type == "DELETED":
            definition = self.store.get(Key(CRD_KEY, "", change.key.resource))
            return [Key(CRD_KEY, "", change.key.resource)] if definition is not None and is_deleting(definition) else []
        return []

    def reconcile(self, key: Key) -> float | None:
        definition = self.store.get(key)
        if definition is None or not is_deleting(definition):
            return None
        resource = self.cluster.catalog.by_key(name_of(definition))
        for obj in self.store.select(name_of(definition)):
            if resource is not None and not is_deleting(obj):
                self.delete(resource, obj)
        if not self.store.select(name_of(definition)):
            self.edit(CRD_KEY, definition, _drop_cleanup)
        return None


def _drop_cleanup(definition: Obj) -> None:
    definition["metadata"]["finalizers"] = [
        each for each in definition["metadata"].get("finalizers") or [] if each != CRD_CLEANUP
    ]
