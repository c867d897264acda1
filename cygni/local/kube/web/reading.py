"""Reading over HTTP: get, list in pages, watch."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import time
from typing import Any

from aiohttp import web

from cygni.local.kube import errors
from cygni.local.kube.objects import Obj, encode
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.selectors import Predicate, selector_for
from cygni.local.kube.storage.store import Change, TooOld
from cygni.local.kube.storage.watch import Watch
from cygni.local.kube.tables import table
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.web.request import Target
from cygni.local.kube.web.respond import json_answer, wants_table

BOOKMARK_SECONDS = 60.0
LAST_BOOKMARK = 2.0
"""Seconds before the end of a watch at which its last bookmark is sent."""
_INITIAL_END = {"k8s.io/initial-events-end": "true"}


def is_true(request: web.Request, name: str) -> bool:
    """Whether a query parameter is set to true."""
    return request.query.get(name, "").lower() in {"true", "1"}


def selector_of(request: web.Request, resource: Resource, target: Target) -> Predicate | None:
    """The selectors of a request, and the name in the path of a watch of one object."""
    fields = request.query.get("fieldSelector", "")
    if target.name:
        fields = ",".join(filter(None, [fields, f"metadata.name={target.name}"]))
    return selector_for(request.query.get("labelSelector", ""), fields, resource.key)


def revision_of(request: web.Request) -> int | None:
    """The resourceVersion parameter; None if unset or 0, which both mean "as it is now"."""
    text = request.query.get("resourceVersion", "")
    if text in {"", "0"}:
        return None
    if not text.isdigit():
        raise errors.bad_request(
            f"resourceVersion: Invalid value: {text!r}: strconv.ParseUint: parsing {text!r}: invalid syntax"
        )
    return int(text)


def list_objects(cluster: Cluster, request: web.Request, resource: Resource, target: Target) -> web.Response:
    """A list, or one page of it; later pages show the state of the first one's moment."""
    selector = selector_of(request, resource, target)
    limit = int(request.query.get("limit") or 0)
    token = request.query.get("continue", "")
    revision, after = _decode_token(token) if token else (cluster.store.revision, None)
    wanted = revision_of(request)
    if wanted is not None and wanted > cluster.store.revision:
        raise errors.ApiError(504, "Timeout", f"Too large resource version: {wanted}, current: {cluster.store.revision}", {})
    if wanted is not None and not token and request.query.get("resourceVersionMatch") == "Exact":
        revision = wanted
    try:
        objects = cluster.store.snapshot(resource.key, target.namespace, revision)
    except TooOld:
        raise errors.continue_expired() from None
    if selector is not None:
        objects = [obj for obj in objects if selector(obj)]
    if after is not None:
        objects = [obj for obj in objects if _address(obj) > after]
    metadata: Obj = {"resourceVersion": str(revision)}
    if limit and len(objects) > limit:
        if selector is None:
            metadata["remainingItemCount"] = len(objects) - limit
        objects = objects[:limit]
        metadata["continue"] = _encode_token(revision, _address(objects[-1]))
    if wants_table(request):
        return json_answer(table(resource, objects, metadata, include=request.query.get("includeObject", "Metadata")))
    items = [shown(resource, obj) for obj in objects]
    return json_answer({"kind": resource.list_kind, "apiVersion": resource.api_version, "metadata": metadata, "items": items})


def shown(resource: Resource, obj: Obj) -> Obj:
    """An object at the version at which it is asked for (a custom kind may be served at several)."""
    return obj if obj["apiVersion"] == resource.api_version else {**obj, "apiVersion": resource.api_version}


def _address(obj: Obj) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _encode_token(revision: int, after: tuple[str, str]) -> str:
    return base64.urlsafe_b64encode(encode([revision, *after])).decode()


def _decode_token(token: str) -> tuple[int, tuple[str, str] | None]:
    try:
        revision, namespace, name = json.loads(base64.urlsafe_b64decode(token))
        return int(revision), (str(namespace), str(name))
    except (ValueError, TypeError) as error:
        raise errors.bad_request(f"continue key is not valid: {error}") from error


class WatchStream:
    """One watch connection: what is to be written, as lines of JSON."""

    def __init__(self, cluster: Cluster, request: web.Request, resource: Resource) -> None:
        self._store = cluster.store
        self._resource = resource
        self._as_table = wants_table(request)
        self._include = request.query.get("includeObject", "Metadata")
        self._headed = False

    def event(self, kind: str, obj: Obj, body: bytes | None = None) -> bytes:
        """One event; `body` is the object already encoded."""
        if self._as_table:
            version = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            body = encode(table(self._resource, [obj], version, include=self._include, head=not self._headed))
            self._headed = True
        elif body is None or obj["apiVersion"] != self._resource.api_version:
            body = encode(shown(self._resource, obj))
        return b'{"type":"%b","object":%b}\n' % (kind.encode(), body)

    def change(self, kind: str, change: Change) -> bytes:
        """A change as an event. What left the selector is shown in its last state with the version of its leaving."""
        if kind == "DELETED" and change.type != "DELETED" and change.before is not None:
            metadata = {**change.before["metadata"], "resourceVersion": str(change.revision)}
            return self.event(kind, {**change.before, "metadata": metadata})
        return self.event(kind, change.obj, change.body)

    def bookmark(self, annotations: Obj | None = None) -> bytes:
        """How far the client has heard."""
        metadata: Obj = {"resourceVersion": str(self._store.revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        obj = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": metadata}
        return b'{"type":"BOOKMARK","object":%b}\n' % encode(obj)

    def error(self, error: errors.ApiError) -> bytes:
        """A refusal in the stream."""
        return b'{"type":"ERROR","object":%b}\n' % encode(error.status)


async def watch_objects(
    cluster: Cluster, request: web.Request, resource: Resource, target: Target, open_watches: set[Watch]
) -> web.StreamResponse:
    """Stream changes until the time is over, the client leaves, or the server stops (`open_watches` is how it reaches us)."""
    selector = selector_of(request, resource, target)
    revision = revision_of(request)
    stream = WatchStream(cluster, request, resource)
    answer = web.StreamResponse(headers={"Content-Type": "application/json", "Cache-Control": "no-cache, private"})
    with Watch(cluster.store, resource.key, target.namespace, selector) as watch:
        start = b""
        if revision is None or is_true(request, "sendInitialEvents"):
            start = b"".join(stream.event("ADDED", obj) for obj in watch.current())
            if is_true(request, "sendInitialEvents"):
                start += stream.bookmark(_INITIAL_END)
        else:
            try:
                watch.replay(revision)
            except TooOld as error:
                await answer.prepare(request)
                await answer.write(stream.error(errors.gone(revision, error.oldest)))
                return answer
        open_watches.add(watch)
        try:
            await answer.prepare(request)
            if start:
                await answer.write(start)
            await _pump(request, answer, stream, watch, open_watches)
        except (ConnectionResetError, asyncio.CancelledError):
            pass
        finally:
            open_watches.discard(watch)
    return answer


async def _pump(
    request: web.Request, answer: web.StreamResponse, stream: WatchStream, watch: Watch, open_watches: set[Watch]
) -> None:
    bookmarks = is_true(request, "allowWatchBookmarks")
    seconds: Any = request.query.get("timeoutSeconds")
    deadline = time.monotonic() + (float(seconds) if seconds else random.uniform(1800, 3600))
    while watch in open_watches and not watch.overrun:
        lines = [stream.change(kind, change) for kind, change in watch.drain()]
        if lines:
            await answer.write(b"".join(lines))
        left = deadline - time.monotonic()
        if left <= 0:
            break
        # as Kubernetes does it: a bookmark a moment before the end, so that who looks briefly learns how far it has heard
        pause = left - LAST_BOOKMARK if left > LAST_BOOKMARK else left
        if not await watch.wait(min(pause, BOOKMARK_SECONDS)) and bookmarks:
            await answer.write(stream.bookmark())
