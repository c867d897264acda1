"""What controllers share: writing through the cluster's verbs, owning objects, telling events."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Callable

from cygni.local.kube.errors import ApiError
from cygni.local.kube.objects import (
    Obj,
    controller_of,
    deep_copy,
    is_deleting,
    name_of,
    namespace_of,
    now,
    owner_reference,
    parse_time,
)
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.selectors import matches
from cygni.local.kube.storage.store import Key
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.options import DeleteOptions, WriteOptions

MANAGER = "kube-controller-manager"


class Base:
    """A controller's view of the cluster. Writes are made under the name of the controller manager."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.store = cluster.store

    def resource(self, key: str) -> Resource:
        """A built-in resource."""
        return self.cluster.catalog.builtin(key)

    def create(self, key: str, namespace: str, obj: Obj) -> Obj:
        """Create an object of a built-in resource."""
        return self.cluster.create(self.resource(key), namespace, obj, WriteOptions(manager=MANAGER))

    def edit(self, key: str, obj: Obj, change: Callable[[Obj], None], subresource: str = "") -> Obj:
        """Change a copy of an object and write it; nothing is written if nothing changed."""
        copy: Obj = deep_copy(obj)
        change(copy)
        if copy == obj:
            return obj
        options = WriteOptions(manager=MANAGER, subresource=subresource)
        return self.cluster.update(self.resource(key), namespace_of(obj), name_of(obj), copy, options)

    def set_status(self, key: str, obj: Obj, status: Obj) -> Obj:
        """Write an object's status if it differs."""
        return self.edit(key, obj, lambda copy: copy.update(status=status), "status")

    def delete(self, resource: Resource, obj: Obj, options: DeleteOptions | None = None) -> None:
        """Delete an object if it is still the same; that it is gone already is no fault."""
        wanted = options or DeleteOptions(propagation="Background", uid=obj["metadata"]["uid"])
        try:
            self.cluster.delete(resource, namespace_of(obj), name_of(obj), wanted)
        except ApiError as error:
            if error.reason not in {"NotFound", "Conflict"}:
                raise

    def claim(self, owner: Obj, key: str) -> list[Obj]:
        """The objects that an owner controls: its own that match its selector. Orphans are adopted, strays released."""
        selector = owner["spec"].get("selector")
        uid = owner["metadata"]["uid"]
        claimed = []
        for obj in self.store.select(key, namespace_of(owner)):
            controller = controller_of(obj)
            fits = matches(selector, obj["metadata"].get("labels") or {})
            if controller is not None and controller["uid"] == uid:
                if fits or is_deleting(owner):
                    claimed.append(obj)
                else:
                    self.edit(key, obj, lambda copy: _drop_owner(copy, uid))
            elif controller is None and fits and not is_deleting(owner) and not is_deleting(obj):
                claimed.append(self.edit(key, obj, lambda copy: _add_owner(copy, owner)))
        return claimed

    def event(self, obj: Obj, kind: str, reason: str, message: str) -> None:
        """Tell an event about an object: type Normal or Warning. The same event again counts up."""
        namespace = namespace_of(obj) or "default"
        digest = hashlib.sha256(f"{obj['metadata']['uid']}/{reason}/{message}".encode()).hexdigest()[:16]
        name = f"{name_of(obj)[:200]}.{digest}"
        known = self.store.get(Key("events", namespace, name))
        moment = now()
        if known is not None:
            self.edit("events", known, lambda copy: copy.update(count=copy.get("count", 1) + 1, lastTimestamp=moment))
            return
        involved = {
            "kind": obj["kind"], "namespace": namespace_of(obj), "name": name_of(obj), "uid": obj["metadata"]["uid"],
            "apiVersion": obj["apiVersion"], "resourceVersion": obj["metadata"]["resourceVersion"],
        }  # fmt: skip
        event = {
            "metadata": {"name": name},
            "involvedObject": involved,
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 1,
            "source": {"component": MANAGER},
            "reportingComponent": MANAGER,
            "firstTimestamp": moment,
            "lastTimestamp": moment,
        }
        try:
            self.create("events", namespace, event)
        except ApiError as error:
            if error.reason not in {"Forbidden", "NotFound"}:  # the namespace is going
                raise


def _add_owner(obj: Obj, owner: Obj) -> None:
    obj["metadata"]["ownerReferences"] = [*(obj["metadata"].get("ownerReferences") or []), owner_reference(owner)]


def _drop_owner(obj: Obj, uid: str) -> None:
    obj["metadata"]["ownerReferences"] = [each for each in obj["metadata"]["ownerReferences"] if each["uid"] != uid]


def seconds_since(moment: str | None) -> float:
    """Seconds since a time in an object; 0 if there is none."""
    if not moment:
        return 0.0
    return (datetime.datetime.now(datetime.UTC) - parse_time(moment)).total_seconds()


def set_condition(status: Obj, kind: str, value: str, reason: str, message: str, *, updates: bool = False) -> None:
    """Set a condition in a status, in place. The transition time moves with the value only; `updates`: with lastUpdateTime."""
    conditions: list[Obj] = status.setdefault("conditions", [])
    known = next((each for each in conditions if each["type"] == kind), None)
    same = known is not None and (known["status"], known.get("reason"), known.get("message")) == (value, reason, message)
    if same:
        return
    moment = now()
    transition = known["lastTransitionTime"] if known is not None and known["status"] == value else moment
    fresh = {"type": kind, "status": value, "lastTransitionTime": transition, "reason": reason, "message": message}
    if updates:
        fresh["lastUpdateTime"] = moment
    if known is None:
        conditions.append(fresh)
    else:
        conditions[conditions.index(known)] = fresh
