"""What has changed in a cluster since somebody last looked, in as few calls as there are kinds.

Kubernetes orders its changes by resourceVersion. Whoever keeps the one up to which it has heard asks for what came after; a
bookmark says that nothing before it is missing. So a look costs the same whether there are ten objects or ten thousand, as
long as they rest. A version that the server has forgotten (after minutes) raises `Forgotten`: then a list, page by page,
is where to begin anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from chalicelib.platform.errors import ClusterUnavailable
from chalicelib.platform.kube import FIELD_MANAGER, KubernetesCluster
from chalicelib.platform.kubeanswers import error_for
from chalicelib.platform.kubeport import KINDS, Cluster, Json

WATCH_SECONDS = 3
"""How long one look may last. The server sends its bookmark about two seconds before the end. Where that comes too late, the
version stays for this time: what was heard is heard once more, which does no harm."""
MOST_CHANGES = 1000
"""Changes taken at one look; the next goes on behind them."""


class Forgotten(Exception):
    """The server no longer knows what came after the version that was asked for."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some objects of a list. `after` continues it, "" at its end; `version` is the resourceVersion of the whole list."""

    items: Sequence[Json]
    after: str
    version: str


@dataclass(frozen=True, slots=True)
class Change:
    """ADDED, MODIFIED or DELETED, and of the object what names it: its metadata's name, namespace and labels."""

    type: str
    object: Json


@dataclass(frozen=True, slots=True)
class Changes:
    """What was heard, oldest first, and the version up to which nothing is missing."""

    items: Sequence[Change]
    version: str


class WatchedCluster(Cluster, Protocol):
    """A cluster that can be asked about all namespaces at once, and what changed in them."""

    def page(self, kind: str, labels: Mapping[str, str], *, limit: int, after: str = "") -> Page:
        """A page of all namespaces' objects with these labels. Raises Forgotten when `after` is too old."""

    def changes(self, kind: str, labels: Mapping[str, str], since: str) -> Changes:
        """What changed since a version. Raises Forgotten."""

    def apply_status(self, manifest: Mapping[str, Any]) -> Json:
        """Server-side apply of an object's status."""


class WatchedKubernetes(KubernetesCluster):
    """`WatchedCluster` over the official client."""

    @classmethod
    def of(cls, cluster: KubernetesCluster) -> WatchedKubernetes:
        """The same cluster, over the same connections."""
        return cls(cluster._client, door=cluster._door, refused=cluster._refused)

    def page(self, kind: str, labels: Mapping[str, str], *, limit: int, after: str = "") -> Page:
        query = {"limit": str(limit), "labelSelector": _selector(labels)} | ({"continue": after} if after else {})
        status, text = self._send("GET", KINDS[kind].path_of_all(), query=query)
        if status == 404:  # the kind is not served here: nothing to look at, and nothing to remember
            return Page((), "", "")
        if status == 410:
            raise Forgotten
        if status >= 400:
            raise error_for(status, text, f"the list of {KINDS[kind].plural}")
        found = json.loads(text)
        meta = found["metadata"]
        whole = {"apiVersion": KINDS[kind].api_version, "kind": kind}  # the items of a list do not say it of themselves
        items = [whole | item for item in found.get("items") or ()]
        return Page(items, meta.get("continue") or "", meta["resourceVersion"])

    def changes(self, kind: str, labels: Mapping[str, str], since: str) -> Changes:
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(WATCH_SECONDS),
            "resourceVersion": since,
            "labelSelector": _selector(labels),
        }
        heard: list[Change] = []
        for event in self._events(KINDS[kind].path_of_all(), query):
            if event["type"] == "ERROR":
                if event["object"].get("code") == 410:
                    raise Forgotten
                raise ClusterUnavailable(f"The watch of {kind} ended: {event['object'].get('message', 'no reason given')}")
            since = event["object"]["metadata"]["resourceVersion"]
            if event["type"] == "BOOKMARK":
                break
            heard.append(Change(event["type"], _named(event["object"])))
            if len(heard) >= MOST_CHANGES:
                break
        return Changes(heard, since)

    def apply_status(self, manifest: Mapping[str, Any]) -> Json:
        meta, kind = manifest["metadata"], str(manifest["kind"])
        path = KINDS[kind].path(meta["namespace"], meta["name"], "status")
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return self._json("PATCH", path, f"the status of {kind} {meta['name']}", query=query, body=dict(manifest))

    def _events(self, path: str, query: Mapping[str, str]) -> Iterator[Json]:
        """The events of one watch, line by line, so that a burst is never in memory whole."""
        from urllib3.exceptions import HTTPError

        answer = self._open("GET", path, query=query)
        try:
            if answer.status == 410:
                raise Forgotten
            if answer.status >= 400:
                raise error_for(answer.status, answer.read().decode("utf-8", "replace"), "a watch")
            for line in answer.response:
                yield json.loads(line)
        except (HTTPError, OSError) as error:
            raise ClusterUnavailable(f"The watch broke off ({type(error).__name__}).") from error
        finally:
            answer.response.close()


def _named(obj: Json) -> Json:
    """All of an object that is kept while others are heard of: a thousand whole ones of each kind are more than memory."""
    return {"metadata": {name: obj["metadata"].get(name) for name in ("name", "namespace", "labels")}}


def _selector(labels: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
