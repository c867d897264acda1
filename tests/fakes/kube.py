"""A cluster in memory that keeps what `chalicelib.platform.kube.Cluster` promises, and dies on request.

It has no controllers: what a Deployment's controller, a node or a person would do, a test does through the helpers.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.platform.errors import ClusterUnavailable, Conflict, Failed, LostRace
from chalicelib.platform.kubeport import KINDS, Json

BORN = "2026-01-01T00:00:00Z"
Key = tuple[str, str, str]


class FakeCluster:
    """`Cluster` in memory. `objects` is its state, `writes` what was written to it, in order, `born` when its objects
    are made, `silent` the pods whose node gives no logs, `installed` the kinds of KEDA's that somebody has installed.
    """

    def __init__(self, *, version: tuple[int, int] = (1, 34), born: str = BORN) -> None:
        self._born = born
        self.objects: dict[Key, Json] = {}
        self.writes: list[tuple[str, str, str]] = []
        self.silent: set[str] = set()
        self.installed: frozenset[str] = frozenset()
        self._version = version
        self._foreign: set[Key] = set()
        self._noted: dict[Key, Json] = {}
        self._logs: dict[tuple[str, str, bool], str] = {}
        self._counter = 0
        self._writes_left: int | None = None
        self._meanwhile: tuple[Key, Callable[[], object]] | None = None

    # what Cygni asks of a cluster

    def version(self) -> tuple[int, int]:
        return self._version

    def serves(self, kind: str) -> bool:
        return kind in self.installed or not KINDS[kind].api_version.split("/")[0].endswith("keda.sh")

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        key = _key(manifest)
        self._interrupt("apply", key)
        old = self.objects.get(key)
        self._admit(key, manifest, old, force=force)
        self._count_write("apply", key)
        wanted = copy.deepcopy(dict(manifest))
        meta = wanted["metadata"]
        meta.pop("resourceVersion", None)
        meta.pop("uid", None)
        if old is not None and key in self._noted:  # annotations that were patched stay when the rest is applied
            meta["annotations"] = {**self._noted[key], **meta.get("annotations", {})}
        if old is not None and _body(old) == _body(wanted):
            return copy.deepcopy(old)
        server = {"uid": f"uid-{self._tick()}", "creationTimestamp": self._born, "generation": 0}
        server |= {name: old["metadata"][name] for name in server} if old else {}
        changed = old is None or old.get("spec") != wanted.get("spec")
        meta |= server | {"resourceVersion": str(self._tick()), "generation": server["generation"] + changed}
        if old is not None and "status" in old:
            wanted["status"] = old["status"]
        self.objects[key] = wanted
        self._foreign.discard(key)
        return copy.deepcopy(wanted)

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        return copy.deepcopy(self.objects.get((kind, namespace, name)))

    def list(self, kind: str, namespace: str, labels: Mapping[str, str]) -> Sequence[Json]:
        found = (each for (of, within, _), each in sorted(self.objects.items()) if (of, within) == (kind, namespace))
        return tuple(copy.deepcopy(each) for each in found if labels.items() <= each["metadata"].get("labels", {}).items())

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        key = (kind, namespace, name)
        self._count_write("delete", key)
        gone = self.objects.pop(key, None)
        self._noted.pop(key, None)
        if gone is None:
            return False
        if kind == "Namespace":
            self._forget(lambda each: each[1] == name)
        if kind == "Deployment":
            wanted = gone["spec"]["selector"]["matchLabels"]
            pods = {_key(pod) for pod in self.list("Pod", namespace, wanted)}
            self._forget(lambda each: each in pods)
        return True

    def scale(self, namespace: str, deployment: str, pods: int, *, version: str, notes: Mapping[str, str]) -> bool:
        key = ("Deployment", namespace, deployment)
        self._interrupt("scale", key)
        self._count_write("scale", key)
        found = self.objects.get(key)
        if found is None:
            return False
        meta, resized = found["metadata"], found["spec"].get("replicas") != pods
        if meta["resourceVersion"] != version:
            raise LostRace(f"The cluster answered 409 for Deployment {deployment}: the object has been modified")
        noted = {**meta.get("annotations", {}), **notes}
        if resized or noted != meta.get("annotations", {}):
            found["spec"]["replicas"], meta["annotations"] = pods, noted
            self._noted[key] = {**self._noted.get(key, {}), **notes}
            meta["generation"] += resized
            meta["resourceVersion"] = str(self._tick())
        return True

    def pod_log(
        self,
        namespace: str,
        pod: str,
        container: str,
        *,
        since: datetime | None = None,
        tail: int | None = None,
        previous: bool = False,
        limit_bytes: int | None = None,
    ) -> str:
        if pod in self.silent:
            raise ClusterUnavailable(f"The cluster answered 500 for the log of Pod {pod}: its node does not answer")
        lines = self._logs.get((namespace, pod, previous), "").splitlines(keepends=True)
        if since is not None:
            begin = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
            lines = [line for line in lines if line[: len(begin)] >= begin]
        text = "".join(lines if tail is None else lines[-tail:] if tail else [])
        return text if limit_bytes is None else text.encode()[:limit_bytes].decode("utf-8", "replace")

    def events(self, namespace: str, name: str) -> Sequence[Json]:
        return tuple(each for each in self.list("Event", namespace, {}) if each["involvedObject"]["name"] == name)

    # what a test does to it

    def fail_after(self, writes: int | None) -> None:
        """Let so many writes pass, then fail one with ClusterUnavailable; None takes that back. The next ones pass again."""
        self._writes_left = writes

    def just_before(self, verb: str, kind: str, name: str, then: Callable[[], object]) -> None:
        """Let somebody else do something, once, just before the next such write (`apply` or `scale`) arrives."""
        self._meanwhile = ((verb, kind, name), then)

    def set_status(self, kind: str, namespace: str, name: str, status: Json) -> None:
        """What a controller reports."""
        self.objects[kind, namespace, name]["status"] = copy.deepcopy(status)

    def edit(self, kind: str, namespace: str, name: str, **spec: Any) -> None:
        """Another manager, such as a person or an autoscaler, takes these fields of the spec."""
        found = self.objects[kind, namespace, name]
        found["spec"] |= spec
        found["metadata"]["resourceVersion"] = str(self._tick())
        found["metadata"]["generation"] += 1
        self._foreign.add((kind, namespace, name))

    def put(self, obj: Json) -> None:
        """An object that somebody else made: a pod, an event."""
        self.objects[_key(obj)] = copy.deepcopy(obj)

    def add_pod(self, namespace: str, name: str, labels: Mapping[str, str], *, ready: bool = True, **status: Any) -> None:
        """A pod with these labels; further status as given (`containerStatuses=[…]`)."""
        condition = {"type": "Ready", "status": "True" if ready else "False"}
        meta = {"name": name, "namespace": namespace, "labels": dict(labels), "creationTimestamp": self._born}
        status = {"phase": "Running", "conditions": [condition]} | status
        self.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}, "status": status})

    def add_event(self, namespace: str, pod: str, reason: str, message: str, at: str = BORN) -> None:
        """An event about a pod."""
        meta = {"name": f"{pod}.{self._tick()}", "namespace": namespace, "creationTimestamp": at}
        times = {"firstTimestamp": at, "lastTimestamp": at, "count": 1}
        about = {"kind": "Pod", "name": pod, "namespace": namespace}
        event = {"apiVersion": "v1", "kind": "Event", "metadata": meta, "involvedObject": about, "reason": reason}
        self.put(event | times | {"message": message})

    def set_log(self, namespace: str, pod: str, text: str, *, previous: bool = False) -> None:
        """The log of the pod's container, or of its previous one: stamped lines."""
        self._logs[namespace, pod, previous] = text

    def make_ready(self, namespace: str, deployment: str) -> None:
        """Do the controllers' and the node's work: as many ready pods as the Deployment asks for."""
        found = self.objects["Deployment", namespace, deployment]
        count, labels = found["spec"].get("replicas", 1), found["spec"]["template"]["metadata"]["labels"]
        for index in range(count):
            self.add_pod(namespace, f"{deployment}-{index}", labels)
        done = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
        available = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
        found["status"] = done | {"observedGeneration": found["metadata"]["generation"], "conditions": [available]}

    def state(self) -> dict[Key, Json]:
        """All objects without what differs from run to run (ids, versions): two ends that are alike are equal."""
        return {key: _body(each) for key, each in self.objects.items()}

    # how it does it

    def _admit(self, key: Key, manifest: Mapping[str, Any], old: Json | None, *, force: bool) -> None:
        kind, namespace, name = key
        if manifest["apiVersion"] != KINDS[kind].api_version:
            raise Failed(f"The cluster answered 404 for {kind} {name}: the server could not find the requested resource")
        if KINDS[kind].namespaced and ("Namespace", "", namespace) not in self.objects:
            raise LostRace(f'The cluster answered 404 for {kind} {name}: namespaces "{namespace}" not found')
        version, uid = manifest["metadata"].get("resourceVersion"), manifest["metadata"].get("uid")
        if uid and (old is None or old["metadata"]["uid"] != uid):
            raise LostRace(f"The cluster answered 409 for {kind} {name}: uid mismatch")
        if version and old is not None and old["metadata"]["resourceVersion"] != version:
            raise LostRace(f"The cluster answered 409 for {kind} {name}: the object has been modified")
        if old is not None and not force and key in self._foreign and old.get("spec") != manifest.get("spec"):
            raise Conflict(f"The cluster answered 409 for {kind} {name}: conflict with another field manager")

    def _interrupt(self, verb: str, key: Key) -> None:
        if self._meanwhile is not None and self._meanwhile[0] == (verb, key[0], key[2]):
            (_, then), self._meanwhile = self._meanwhile, None
            then()

    def _count_write(self, verb: str, key: Key) -> None:
        if self._writes_left is not None:
            if self._writes_left == 0:
                self._writes_left = None
                raise ClusterUnavailable("The cluster died before this write.")
            self._writes_left -= 1
        self.writes.append((verb, key[0], key[2]))

    def _forget(self, doomed: Any) -> None:
        for key in [key for key in self.objects if doomed(key)]:
            del self.objects[key]

    def _tick(self) -> int:
        self._counter += 1
        return self._counter


def _key(manifest: Mapping[str, Any]) -> Key:
    return manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]


def _body(obj: Json) -> Json:
    """What was applied, without what the server adds."""
    server = ("uid", "creationTimestamp", "generation", "resourceVersion")
    meta = {name: value for name, value in obj["metadata"].items() if name not in server}
    return {name: value for name, value in obj.items() if name != "status"} | {"metadata": meta}
