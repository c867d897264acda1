"""What the reconciler writes on a CygniService itself: its status, its finalizer, and events about it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from chalicelib.deployments.declared_rules import Condition, Report
from chalicelib.platform.clock import iso
from chalicelib.platform.kubeport import Cluster, Json
from chalicelib.platform.kubewatch import WatchedCluster
from chalicelib.runtime.rules import short_hash
from chalicelib.runtime.service import Instances

API_VERSION, KIND = "cygni.dev/v1", "CygniService"
_LONGEST = 1000
"""Characters of an event's message; Kubernetes takes 1024 bytes."""


def report(cluster: WatchedCluster, obj: Json, said: Report, *, url: str, now: datetime, pods: Instances | None = None) -> None:
    """Writes the status, if it says anything new. `pods` are those of the release that has the traffic."""
    status = status_of(obj, said, url=url, now=now, pods=pods)
    if status != (obj.get("status") or {}):
        cluster.apply_status({**_head(obj), "status": status})


def status_of(obj: Json, said: Report, *, url: str, now: datetime, pods: Instances | None = None) -> Json:
    """The status that a report makes. A condition whose status stays keeps the time since when it holds."""
    before = {each["type"]: each for each in (obj.get("status") or {}).get("conditions") or ()}
    generation = int(obj["metadata"].get("generation", 0))
    conditions = [_condition(each, before.get(each.type), generation, now) for each in said.conditions]
    status: Json = {"observedGeneration": generation, "conditions": conditions}
    if said.release is not None:
        status["release"] = said.release
    if said.deployment:
        status["deployment"] = said.deployment
    if pods is not None:
        status |= {"replicas": pods.count, "selector": pods.selector}
    if url:
        status["url"] = url
    return status


def settled(obj: Json) -> bool:
    """Whether an object says of itself that there is nothing to do: its present spec is live, and it is held."""
    meta, status = obj["metadata"], obj.get("status") or {}
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions") or ())
    seen = status.get("observedGeneration") == meta.get("generation")
    return ready and seen and bool(meta.get("finalizers")) and not meta.get("deletionTimestamp")


def set_finalizers(cluster: Cluster, obj: Json, finalizers: Sequence[str]) -> None:
    """Puts Cygni's finalizer on the object or takes it off. Others' stay: each manager has its own."""
    head = _head(obj)
    head["metadata"]["finalizers"] = list(finalizers)
    cluster.apply(head)


def tell(cluster: Cluster, obj: Json, reason: str, message: str, now: datetime, *, warning: bool = False) -> None:
    """Writes an event about the object. The same event of the same moment is one."""
    meta, at = obj["metadata"], iso(now)
    about = {"apiVersion": API_VERSION, "kind": KIND, "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
    text = message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
    name = f"{meta['name']}.{short_hash(meta['uid'], reason, text, at, length=16)}"
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": meta["namespace"]},
        "involvedObject": about,
        "type": "Warning" if warning else "Normal",
        "reason": reason,
        "message": text,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "source": {"component": "cygni"},
    }
    cluster.apply(event)


def _head(obj: Json) -> Json:
    """The object by name and uid: a write to one that was deleted and made anew is refused."""
    meta = obj["metadata"]
    named = {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]}
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": named}


def _condition(said: Condition, before: Json | None, generation: int, now: datetime) -> Json:
    since = before["lastTransitionTime"] if before is not None and before["status"] == said.status else iso(now)
    return {
        "type": said.type,
        "status": said.status,
        "reason": said.reason,
        "message": said.message,
        "observedGeneration": generation,
        "lastTransitionTime": since,
    }
