"""What Cygni asks of a Kubernetes cluster, whoever answers: the kinds it knows, and the methods that it calls.

What every method promises:

1. Objects are plain JSON dictionaries, as the API server sends them; `apply` is server-side apply as field manager `cygni`.
2. Absent is an answer, not an error: `get` says None, `delete` says False, `pod_log` says "", `list` and `events` say ().
3. Whatever may pass later is a `Transient`: no answer in time, 429 and 5xx, a namespace that is still being deleted
   (`ClusterUnavailable`), a write that lost to a newer one or whose namespace has just gone (`LostRace`).
4. Another field manager's claim is a `Conflict`; any other refusal is `Failed` with the server's sentence, or, for a Secret,
   with the names of the fields alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import quote

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """Where the objects of a kind live, so that no discovery round trip is needed."""

    api_version: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str, name: str = "", below: str = "") -> str:
        """The URL path of one object, of a collection (no name), or of a subresource."""
        root = f"/api/{self.api_version}" if "/" not in self.api_version else f"/apis/{self.api_version}"
        scope = f"/namespaces/{quote(namespace, safe='')}" if self.namespaced else ""
        tail = "".join("/" + quote(part, safe="") for part in (name, below) if part)
        return f"{root}{scope}/{self.plural}{tail}"

    def path_of_all(self) -> str:
        """The URL path of all namespaces' objects."""
        return replace(self, namespaced=False).path("")


KINDS: Mapping[str, Kind] = {
    "Namespace": Kind("v1", "namespaces", namespaced=False),
    "ConfigMap": Kind("v1", "configmaps"),
    "Event": Kind("v1", "events"),
    "LimitRange": Kind("v1", "limitranges"),
    "Pod": Kind("v1", "pods"),
    "ResourceQuota": Kind("v1", "resourcequotas"),
    "Secret": Kind("v1", "secrets"),
    "Service": Kind("v1", "services"),
    "Deployment": Kind("apps/v1", "deployments"),
    "HorizontalPodAutoscaler": Kind("autoscaling/v2", "horizontalpodautoscalers"),
    "NetworkPolicy": Kind("networking.k8s.io/v1", "networkpolicies"),
    "HTTPRoute": Kind("gateway.networking.k8s.io/v1", "httproutes"),
    "ReferenceGrant": Kind("gateway.networking.k8s.io/v1beta1", "referencegrants"),
    "CygniService": Kind("cygni.dev/v1", "cygniservices"),
    "ScaledObject": Kind("keda.sh/v1alpha1", "scaledobjects"),
    "HTTPScaledObject": Kind("http.keda.sh/v1alpha1", "httpscaledobjects"),
}
_PLURALS = frozenset(each.plural for each in KINDS.values())


def kind_in(path: str) -> str:
    """The plural of the kind that a URL path is about, "" for one that is about none: no name of an object."""
    known = [part for part in path.split("?", maxsplit=1)[0].split("/") if part in _PLURALS]
    return next((part for part in known if part != "namespaces"), known[0] if known else "")


class Cluster(Protocol):
    """All that Cygni asks of a cluster. The module's docstring says what every implementation promises."""

    def version(self) -> tuple[int, int]:
        """The Kubernetes API's version, such as (1, 34)."""

    def serves(self, kind: str) -> bool:
        """Whether the cluster has this kind: somebody may have installed it."""

    def apply(self, manifest: Mapping[str, Any], *, force: bool = True) -> Json:
        """Server-side apply; the object as it now is. A `metadata.resourceVersion` in it makes the write conditional."""

    def get(self, kind: str, namespace: str, name: str) -> Json | None:
        """The object, or None. `namespace` is "" for a kind that has none."""

    def list(self, kind: str, namespace: str, labels: Mapping[str, str]) -> Sequence[Json]:
        """The namespace's objects that carry all these labels."""

    def delete(self, kind: str, namespace: str, name: str) -> bool:
        """Delete, with all that the object owns going in the background. False when it was absent."""

    def scale(self, namespace: str, deployment: str, pods: int, *, version: str, notes: Mapping[str, str]) -> bool:
        """Set how many pods a Deployment asks for, and these of its annotations; nothing else of it. False when it was absent.

        LostRace when anybody has written it since it had that resourceVersion.
        """

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
        """The container's log, each line led by its RFC 3339 time and a space; the first `limit_bytes` of it.

        The server knows whole seconds only: `since` is rounded down. `previous` asks for the instance before the last restart.
        """

    def events(self, namespace: str, name: str) -> Sequence[Json]:
        """The core/v1 Events about the object of this name."""


class Doorkeeper(Protocol):
    """Who decides whether a cluster is asked, and hears whether it was there."""

    def admit(self) -> None:
        """Raises ClusterDown when it must not be asked now."""

    def answered(self) -> None:
        """It said something, whatever it was."""

    def missed(self) -> None:
        """It gave no answer, or something before it said that nobody is there."""
