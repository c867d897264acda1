"""The part of a Kubernetes API that the node relies on, in memory, and builders of what is put into it."""

from __future__ import annotations

import copy
import itertools
import json
import queue
import stat
import threading
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cygni.local.images import folder_of
from cygni.local.node.api import ApiAway, ApiError
from cygni.local.node.spec import Object

DIGEST = "sha256:" + "ab" * 32
IMAGE = f"registry.local/shop/web@{DIGEST}"


def merge(target: Any, patch: Any) -> Any:
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


class FakeStream:
    def __init__(self, selector: str) -> None:
        self._events: queue.Queue[Object | None] = queue.Queue()
        self._selector, self._broken = selector, False

    def offer(self, kind: str, item: Object) -> None:
        if selected(item, self._selector) or kind == "DELETED":
            self._events.put({"type": kind, "object": copy.deepcopy(item)})

    def __iter__(self) -> Iterator[Object]:
        while (event := self._events.get()) is not None:
            yield event
        if self._broken:
            raise ApiAway(0, "the connection broke")

    def break_off(self) -> None:
        self._broken = True
        self.close()

    def close(self) -> None:
        self._events.put(None)


def selected(item: Object, selector: str) -> bool:
    name, _, value = selector.partition("=")
    return name != "spec.nodeName" or item["spec"].get("nodeName", "") == value


class FakeApi:
    """Keeps objects by path; pods are deleted gracefully and bound as the real API does it; `patches` records patches."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.away = False
        self.calls: list[tuple[str, str]] = []
        self.patches: list[tuple[str, Object]] = []
        self._lock = threading.RLock()
        self._versions = itertools.count(1)
        self._streams: list[FakeStream] = []

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
        with self._lock:
            self._enter("get", path)
            if path == "/api/v1/pods":
                selector = (query or {}).get("fieldSelector", "")
                items = [item for key, item in self.objects.items() if "/pods/" in key and selected(item, selector)]
                return {"items": copy.deepcopy(items), "metadata": {"resourceVersion": str(next(self._versions))}}
            return copy.deepcopy(self._found(path))

    def create(self, path: str, body: Object) -> Object:
        with self._lock:
            self._enter("create", path)
            if path.endswith("/binding"):
                path = path.removesuffix("/binding")
                return self._put(path, merge(self._found(path), {"spec": {"nodeName": body["target"]["name"]}}), "MODIFIED")
            if "kube-node-lease" in path and "/api/v1/namespaces/kube-node-lease" not in self.objects:
                raise ApiError(404, "namespaces kube-node-lease not found")
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                raise ApiError(409, "exists")
            return self._put(path, merge({"metadata": {"uid": str(uuid.uuid4())}}, body), "ADDED")

    def patch(self, path: str, body: Object) -> Object:
        with self._lock:
            self._enter("patch", path)
            self.patches.append((path, copy.deepcopy(body)))
            path = path.removesuffix("/status")
            before = self._found(path)
            if body.get("metadata", {}).get("uid", before["metadata"]["uid"]) != before["metadata"]["uid"]:
                raise ApiError(409, "another uid")
            return self._put(path, merge(before, body), "MODIFIED")

    def delete(self, path: str, body: Object) -> Object:
        with self._lock:
            self._enter("delete", path)
            item = copy.deepcopy(self._found(path))
            grace = body.get("gracePeriodSeconds", item["spec"].get("terminationGracePeriodSeconds", 30))
            if grace == 0:
                del self.objects[path]
                self._tell("DELETED", item)
                return item
            meta = {"deletionTimestamp": "2026-01-02T03:04:05Z", "deletionGracePeriodSeconds": grace}
            return self._put(path, merge(item, {"metadata": meta}), "MODIFIED")

    def watch(self, path: str, query: Mapping[str, str]) -> FakeStream:
        with self._lock:
            self._enter("watch", path)
            stream = FakeStream(query.get("fieldSelector", ""))
            self._streams.append(stream)
            since = int(query["resourceVersion"])
            for key, item in self.objects.items():
                if "/pods/" in key and int(item["metadata"]["resourceVersion"]) > since:
                    stream.offer("MODIFIED", item)
            return stream

    def go_away(self) -> None:
        with self._lock:
            self.away = True
            for stream in self._streams:
                stream.break_off()
            self._streams.clear()

    def come_back(self) -> None:
        self.away = False

    def events(self, reason: str = "") -> list[Object]:
        with self._lock:
            items = [item for key, item in self.objects.items() if "/events/" in key]
        return [item for item in items if reason in ("", item["reason"])]

    def _enter(self, verb: str, path: str) -> None:
        self.calls.append((verb, path))
        if self.away:
            raise ApiAway(0, "away")

    def _found(self, path: str) -> Object:
        if path not in self.objects:
            raise ApiError(404, f"{path} not found")
        return self.objects[path]

    def _put(self, path: str, item: Object, kind: str) -> Object:
        item = merge(item, {"metadata": {"resourceVersion": str(next(self._versions))}})
        self.objects[path] = item
        if "/pods/" in path:
            self._tell(kind, item)
        return copy.deepcopy(item)

    def _tell(self, kind: str, item: Object) -> None:
        for stream in self._streams:
            stream.offer(kind, item)


def write_image(store: Path, files: Mapping[str, str], command: list[str], env: Mapping[str, str] | None = None) -> Path:
    """An image with these files in `app/`, as the builder would have written it."""
    root = store / folder_of(DIGEST)
    (root / "app").mkdir(parents=True, exist_ok=True)
    (root / "deps").mkdir(exist_ok=True)
    for name, text in files.items():
        (root / "app" / name).write_text(text, encoding="utf-8")
        (root / "app" / name).chmod(stat.S_IRUSR | stat.S_IWUSR | stat.S_IXUSR)
    manifest = {"digest": DIGEST, "command": command, "env": dict(env or {}), "workdir": "app"}
    (root / "image.json").write_text(json.dumps(manifest), encoding="utf-8")
    return root


def container(**fields: Any) -> Object:
    base = {
        "name": "app",
        "image": IMAGE,
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": "PORT", "value": "8080"}],
    }
    return base | fields


def pod(name: str = "web-1", *containers: Object, node: str = "", **spec: Any) -> Object:
    fields = {"containers": list(containers) or [container()], "terminationGracePeriodSeconds": 30} | spec
    if node:
        fields["nodeName"] = node
    meta = {"name": name, "namespace": "shop", "uid": str(uuid.uuid4()), "labels": {"app": "web"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": fields}


def http_probe(path: str = "/", **fields: Any) -> Object:
    """A probe every second. A slow answer is no failure: on a busy machine any may be."""
    return {"httpGet": {"path": path, "port": "http"}, "periodSeconds": 1, "timeoutSeconds": 30, **fields}
