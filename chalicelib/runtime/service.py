"""The data plane's façade: put releases into a cluster, split traffic between them, say how they are, take them out again.

Every function may run twice, and again after it died half-way: the end is the same. A cluster that does not answer raises
ClusterUnavailable, a race with another writer LostRace (both Transient); what the cluster refuses raises Failed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.platform.errors import CygniError
from chalicelib.platform.kube import Cluster, Json
from chalicelib.runtime import logs, reading
from chalicelib.runtime.fence import Fence, fence, fenced
from chalicelib.runtime.logs import Cursor, LogLine, LogPage
from chalicelib.runtime.manifests import pods_wanted, render
from chalicelib.runtime.pins import Pinned
from chalicelib.runtime.plan import Inventory, execute, plan
from chalicelib.runtime.readiness import Readiness, is_ready, judge_readiness
from chalicelib.runtime.rules import (
    INVENTORY_LABEL,
    Target,
    Workload,
    domains_of,
    release_number,
    revision,
    route_weights,
    weights_route,
)

if TYPE_CHECKING:
    from chalicelib.platform.traffic import Reading, TrafficMetrics

__all__ = [
    "Fence",
    "LogLine",
    "LogPage",
    "Pinned",
    "Readiness",
    "Target",
    "Workload",
    "apply_release",
    "as_scaled",
    "fence",
    "read_logs",
    "readiness",
    "remove_service",
    "retire",
    "retire_first",
    "set_weights",
    "stop",
    "traffic_arms",
    "weights",
]

_RUNNING = frozenset({"Deployment", "HorizontalPodAutoscaler"})
_PODS_ASKED = 5
"""Unready pods whose events are asked for: they ail alike, and each is a call."""


def apply_release(cluster: Cluster, workload: Workload, *, host: str) -> None:
    """Bring the release's objects, and the namespace's, to what `workload` says. Other releases are not touched.

    The first release of a service gets a route with all the traffic; after that only `set_weights` writes the route.
    An autoscaled release that runs already keeps the number of pods it was scaled to.
    """
    target, number = workload.target, workload.number
    inventory = _inventory(cluster, target)
    others = {ref for ref in inventory.refs if ref.revision != revision(number)}
    desired = render(as_scaled(cluster, workload), host=host, api=cluster.version())
    if any(ref.revision for ref in others) or cluster.get("HTTPRoute", target.namespace, target.service) is not None:
        desired = tuple(manifest for manifest in desired if manifest["kind"] != "HTTPRoute")
    execute(cluster, plan(desired, inventory, keep=others))


def set_weights(
    cluster: Cluster,
    target: Target,
    weights: Mapping[int, int],
    *,
    host: str,
    put_up: Fence,
    mark: str,
    pinned: Pinned | None = None,
) -> None:
    """Split traffic between releases by these percents, but for what is pinned. ValueError unless they sum to 100.

    Host names of the service's own are those of the newest release that gets any. LostRace when somebody has written the
    route since the fence was `put_up`; `mark` says who writes it now, and differs from whoever wrote it before.
    """
    newest = max((number for number, weight in weights.items() if weight > 0), default=0)
    service = cluster.get("Service", target.namespace, target.release(newest)) if newest else None
    cluster.apply(fenced(weights_route(target, weights, host, pinned, domains_of(service)), put_up, mark))


def stop(cluster: Cluster, target: Target, number: int) -> bool:
    """Delete a release's instances; True when the last is gone. The rest stays: `apply_release` starts it again."""
    inventory = _inventory(cluster, target)
    doomed = {ref for ref in inventory.refs if ref.revision == revision(number) and ref.kind in _RUNNING}
    if doomed:
        execute(cluster, plan((), inventory, keep=inventory.refs - doomed))
    return not cluster.list("Pod", target.namespace, target.selector(number))


def weights(cluster: Cluster, target: Target) -> dict[int, int]:
    """Release number → percent, as the route has it; {} without a route."""
    return route_weights(target, cluster.get("HTTPRoute", target.namespace, target.service))


def readiness(cluster: Cluster, target: Target, number: int, *, now: datetime) -> Readiness:
    """The state of a release, with the last lines of the container it speaks of."""
    deployment = cluster.get("Deployment", target.namespace, target.release(number))
    pods = cluster.list("Pod", target.namespace, target.selector(number)) if deployment else ()
    unready = [pod for pod in pods if not is_ready(pod) and not pod["metadata"].get("deletionTimestamp")][:_PODS_ASKED]
    events = [event for pod in unready for event in cluster.events(target.namespace, pod["metadata"]["name"])]
    judged = judge_readiness(deployment, pods, events, now)
    ailing = next((pod for pod in pods if pod["metadata"]["name"] == judged.pod), None)
    return judged if ailing is None else replace(judged, log_tail=_last_lines(cluster, ailing))


def retire(cluster: Cluster, target: Target, keep: Collection[int], *, upto: int) -> None:
    """Remove every release up to that number that is neither kept nor sent any traffic. The route forgets it first.

    Later releases are another deployment's. LostRace when somebody wrote the route meanwhile.
    """
    inventory = _inventory(cluster, target)
    route = cluster.get("HTTPRoute", target.namespace, target.service)
    present = route_weights(target, route)

    def stays(number: int | None) -> bool:
        return number is None or number in keep or number > upto or present.get(number, 0) > 0

    left = {number: weight for number, weight in present.items() if stays(number)}
    stale = left != present and sum(left.values()) == 100  # a split that a person wrote is left as it is
    desired = [_route_of(target, left, route)] if route is not None and stale else []
    refs = {ref for ref in inventory.refs if stays(release_number(ref.revision))}
    if refs != inventory.refs or desired:
        execute(cluster, plan(desired, inventory, keep=refs))


def retire_first(cluster: Cluster, target: Target, number: int) -> None:
    """Remove a service that had no release before this one, unless a later one has come."""
    numbers = (release_number(ref.revision) for ref in _inventory(cluster, target).refs)
    if not any(each > number for each in numbers if each is not None):
        remove_service(cluster, target)


def remove_service(cluster: Cluster, target: Target) -> None:
    """Remove all that the service owns, and the namespace with it when no other service is left there."""
    execute(cluster, plan((), _inventory(cluster, target)))
    if cluster.list("ConfigMap", target.namespace, {INVENTORY_LABEL: "true"}):
        return
    if cluster.list("CygniService", target.namespace, {}):  # somebody declares services here: the namespace is theirs
        return
    namespace = cluster.get("Namespace", "", target.namespace)
    if namespace and (namespace["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "cygni":
        cluster.delete("Namespace", "", target.namespace)


def read_logs(
    cluster: Cluster,
    target: Target,
    *,
    number: int | None,
    since: datetime | None = None,
    limit: int = 200,
    cursor: str | None = None,
) -> LogPage:
    """At most `limit` lines of one release, or of all with `number` None, in the order of their time.

    With a `cursor`: those after it. Else with `since`: the first from that moment on. Else: the last ones. The page's own
    cursor goes on after it; `chalicelib.runtime.logs` says what that promises. A cursor of no page raises Malformed.
    """
    pods = cluster.list("Pod", target.namespace, target.selector(number))
    if cursor is None and since is None:
        return logs.merge(reading.newest_entries(cluster, pods, limit), Cursor(), limit=limit, newest=True)
    begin = Cursor(logs.Place(logs.nanoseconds(since), 0)) if since is not None else Cursor()
    place = begin if cursor is None else Cursor.decode(cursor)
    return logs.merge(reading.entries_after(cluster, pods, place), place, limit=limit)


def traffic_arms(metrics: TrafficMetrics, target: Target, numbers: Collection[int]) -> dict[int, Reading | None]:
    """What the gateway counted for each release; None for one that it has never heard of."""
    found = metrics.read(target.namespace, [target.release(number) for number in numbers])
    return {number: found.get(target.release(number)) for number in numbers}


def _route_of(target: Target, weights: Mapping[int, int], route: Json) -> Json:
    """A route for the same hosts as another, which it is to take the place of."""
    host, *domains = route["spec"]["hostnames"]
    return fenced(weights_route(target, weights, host, domains=domains), Fence.around(route), "retire")


def _inventory(cluster: Cluster, target: Target) -> Inventory:
    return Inventory.read(target, cluster.get("ConfigMap", target.namespace, target.inventory))


def as_scaled(cluster: Cluster, workload: Workload) -> Workload:
    """With the number of pods that the autoscaler chose, which another apply must not undo."""
    if not workload.autoscaled:
        return workload
    live = cluster.get("Deployment", workload.target.namespace, workload.target.release(workload.number))
    return workload if live is None else replace(workload, replicas=live["spec"].get("replicas", pods_wanted(workload)))


def _last_lines(cluster: Cluster, pod: Json) -> tuple[str, ...]:
    """The log's last lines; when the node cannot be asked, those it put into the pod's status."""
    try:
        lines = reading.tail_of(cluster, pod)
    except CygniError:  # that the node is silent is no reason to keep back the verdict
        lines = ()
    return lines or reading.last_words(pod)
