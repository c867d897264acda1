"""The cluster in memory with its history: what was changed can be heard of, and every call to it is counted."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Mapping
from typing import Any

from chalicelib.platform.kubeport import Json
from chalicelib.platform.kubewatch import Change, Changes, Forgotten, Page
from tests.fakes.kube import FakeCluster

SERVICE = "CygniService"


class FakeWatchedCluster(FakeCluster):
    """`WatchedCluster` in memory. `calls` counts what was asked of it, `most` is the largest page that was given."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()
        self.most = 0
        self._history: list[tuple[int, Change]] = []
        self._oldest = 0

    # what Cygni asks of it

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        self.calls["get"] += 1
        return super().get(kind, namespace, name)

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        self.calls["apply"] += 1
        if manifest["kind"] != SERVICE:
            made = super().apply(manifest, force=force)
            self._happened("MODIFIED", made)
            return made
        found = self.objects[SERVICE, manifest["metadata"]["namespace"], manifest["metadata"]["name"]]
        assert manifest["metadata"]["uid"] == found["metadata"]["uid"]
        found["metadata"]["finalizers"] = list(manifest["metadata"]["finalizers"])
        if found["metadata"].get("deletionTimestamp") and not found["metadata"]["finalizers"]:
            del self.objects[SERVICE, found["metadata"]["namespace"], found["metadata"]["name"]]
            return found
        return self._touch(found)

    def apply_status(self, manifest: Mapping[str, Any]) -> Json:
        self.calls["apply_status"] += 1
        found = self.objects[SERVICE, manifest["metadata"]["namespace"], manifest["metadata"]["name"]]
        found["status"] = copy.deepcopy(manifest["status"])
        return self._touch(found)

    def page(self, kind: str, labels: Mapping[str, str], *, limit: int, after: str = "") -> Page:
        self.calls["page"] += 1
        found = [each for (of, _, _), each in sorted(self.objects.items()) if of == kind and _has(each, labels)]
        begin = int(after or 0)
        items = [copy.deepcopy(each) for each in found[begin : begin + limit]]
        self.most = max(self.most, len(items))
        more = str(begin + limit) if begin + limit < len(found) else ""
        return Page(items, more, str(self._counter))

    def changes(self, kind: str, labels: Mapping[str, str], since: str) -> Changes:
        self.calls["changes"] += 1
        if int(since) < self._oldest:
            raise Forgotten
        heard = [change for at, change in self._history if at > int(since)]
        mine = [each for each in heard if each.object["kind"] == kind and _has(each.object, labels)]
        return Changes(mine, str(self._counter))

    # what a test does to it

    def declare(self, namespace: str, name: str, **spec: Any) -> Json:
        """Somebody applies a CygniService."""
        found = self.objects.get((SERVICE, namespace, name))
        if found is None:
            meta: Json = {"name": name, "namespace": namespace, "uid": f"uid-{name}-{self._tick()}", "generation": 0}
            found = {"apiVersion": "cygni.dev/v1", "kind": SERVICE, "metadata": meta, "spec": {}}
            self.objects[SERVICE, namespace, name] = found
        if found["spec"] != spec:
            found["spec"] = spec
            found["metadata"]["generation"] += 1
        return self._touch(found)

    def annotate(self, namespace: str, name: str, key: str, value: str) -> None:
        """Somebody annotates it, which makes no new generation."""
        found = self.objects[SERVICE, namespace, name]
        found["metadata"].setdefault("annotations", {})[key] = value
        self._touch(found)

    def undeclare(self, namespace: str, name: str) -> None:
        """Somebody deletes it."""
        found = self.objects[SERVICE, namespace, name]
        found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        self._touch(found)

    def edit(self, kind: str, namespace: str, name: str, **spec: Any) -> None:
        super().edit(kind, namespace, name, **spec)
        self._happened("MODIFIED", self.objects[kind, namespace, name])

    def forget(self) -> None:
        """What happened so far cannot be heard of any more."""
        self._tick()
        self._oldest = self._counter

    def _touch(self, found: Json) -> Json:
        found["metadata"]["resourceVersion"] = str(self._tick())
        self._happened("MODIFIED", found)
        return copy.deepcopy(found)

    def _happened(self, kind: str, obj: Json) -> None:
        self._history.append((self._tick(), Change(kind, copy.deepcopy(obj))))


def _has(obj: Json, labels: Mapping[str, str]) -> bool:
    return labels.items() <= (obj["metadata"].get("labels") or {}).items()
