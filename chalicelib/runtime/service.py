"""The data plane's façade: put releases into a cluster, split traffic between them, say how they are, take them out again.

Every function may run twice, and again after it died half-way: the end is the same. A cluster that does not answer raises
ClusterUnavailable, a race with another writer LostRace (both Transient); what the cluster refuses raises Failed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.platform.errors import CygniError
from chalicelib.platform.kubeport import Cluster, Json
from chalicelib.runtime import logs, reading
from chalicelib.runtime.fence import Fence, fence, fenced, unless_written
from chalicelib.runtime.logs import Cursor, LogLine, LogPage
from chalicelib.runtime.manifests import deployment_of, pods_wanted, render
from chalicelib.runtime.pins import Pinned
from chalicelib.runtime.plan import execute, plan
from chalicelib.runtime.readiness import Readiness, is_ready, judge_readiness
from chalicelib.runtime.resting import forget_grant, inventory_of, rest, rests, scaling_for
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
from chalicelib.runtime.scaling import Gateway

if TYPE_CHECKING:
    from chalicelib.platform.traffic import Reading, TrafficMetrics

__all__ = [
    "Fence",
    "Gateway",
    "Instances",
    "LogLine",
    "LogPage",
    "Pinned",
    "Readiness",
    "Target",
    "Workload",
    "apply_release",
    "as_scaled",
    "fence",
    "instances",
    "read_logs",
    "readiness",
    "remove_service",
    "resize",
    "rest",
    "rests",
    "retire",
    "retire_first",
    "set_weights",
    "stop",
    "traffic_arms",
    "weights",
]

_RUNNING = frozenset({"Deployment", "HorizontalPodAutoscaler", "ScaledObject"})
_PODS_ASKED = 5
"""Unready pods whose events are asked for: they ail alike, and each is a call."""


@dataclass(frozen=True, slots=True)
class Instances:
    """How many pods a release has, ready or not, and the labels that select them."""

    count: int
    selector: str


def apply_release(
    cluster: Cluster, workload: Workload, *, host: str, gateway: Gateway | None = None, put_up: Fence | None = None
) -> tuple[str, ...]:
    """Bring the release's objects, and the namespace's, to what `workload` says. Other releases are not touched.

    The first release of a service gets a route with all the traffic; after that only `set_weights` writes the route.
    An autoscaled release that runs already keeps the number of pods it was scaled to; one that sleeps is woken. The answer has
    a sentence for each thing that the service asks for and this cluster, behind this `gateway`, cannot do.
    LostRace when somebody has written the release's Deployment since a fence was `put_up` around it.
    """
    target, number = workload.target, workload.number
    inventory = inventory_of(cluster, target)
    others = {ref for ref in inventory.refs if ref.revision != revision(number)}
    # requests may come through the interceptor until the route is written anew
    holding = {ref for ref in inventory.refs if ref.kind == "HTTPScaledObject"}
    scaling = scaling_for(cluster, workload, inventory, gateway or Gateway())
    desired = render(as_scaled(cluster, workload), host=host, api=cluster.version(), scaling=scaling)
    if any(ref.revision for ref in others) or cluster.get("HTTPRoute", target.namespace, target.service) is not None:
        desired = tuple(manifest for manifest in desired if manifest["kind"] != "HTTPRoute")
    if put_up is not None:
        desired = tuple(unless_written(each, put_up) if each["kind"] == "Deployment" else each for each in desired)
    execute(cluster, plan(desired, inventory, keep=others | holding))
    return scaling.notes


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
    inventory = inventory_of(cluster, target)
    doomed = {ref for ref in inventory.refs if ref.revision == revision(number) and ref.kind in _RUNNING}
    if doomed:
        execute(cluster, plan((), inventory, keep=inventory.refs - doomed))
    return not cluster.list("Pod", target.namespace, target.selector(number))


def resize(cluster: Cluster, workload: Workload, put_up: Fence) -> None:
    """Let a release that runs have `workload.replicas` instances, within its range; an autoscaler goes on from there.

    LostRace when somebody has written its Deployment since the fence was put up around it.
    """
    if put_up.version:
        cluster.apply(unless_written(deployment_of(workload, api=cluster.version()), put_up))


def instances(cluster: Cluster, target: Target, number: int) -> Instances:
    """The pods of a release, as its Deployment counts them."""
    deployment = cluster.get("Deployment", target.namespace, target.release(number)) or {}
    selector = ",".join(f"{name}={value}" for name, value in sorted(target.selector(number).items()))
    return Instances(int((deployment.get("status") or {}).get("replicas", 0)), selector)


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


def retire(cluster: Cluster, target: Target, keep: Collection[int], *, upto: int, mark: str) -> None:
    """Remove every release up to that number that is neither kept nor sent any traffic. Later ones are another deployment's.

    The route is written first, with a `mark` that nobody wrote before, also where nothing of it changes: LostRace when somebody
    has written it meanwhile, and who is about to give one of them traffic finds out that it goes.
    """
    inventory = inventory_of(cluster, target)
    route = cluster.get("HTTPRoute", target.namespace, target.service)
    present = route_weights(target, route)

    def stays(number: int | None) -> bool:
        return number is None or number in keep or number > upto or present.get(number, 0) > 0

    left = {number: weight for number, weight in present.items() if stays(number)}
    refs = {ref for ref in inventory.refs if stays(release_number(ref.revision))}
    ours = sum(left.values()) == 100  # a split that a person wrote is left as it is
    desired = [_route_of(target, left, route, mark)] if route is not None and ours else []
    if refs != inventory.refs or desired:
        execute(cluster, plan(desired, inventory, keep=refs))


def retire_first(cluster: Cluster, target: Target, number: int) -> None:
    """Remove a service that had no release before this one, unless a later one has come."""
    numbers = (release_number(ref.revision) for ref in inventory_of(cluster, target).refs)
    if not any(each > number for each in numbers if each is not None):
        remove_service(cluster, target)


def remove_service(cluster: Cluster, target: Target) -> None:
    """Remove all that the service owns, and the namespace with it when no other service is left there."""
    execute(cluster, plan((), inventory_of(cluster, target)))
    if cluster.list("ConfigMap", target.namespace, {INVENTORY_LABEL: "true"}):
        return
    if cluster.list("CygniService", target.namespace, {}):  # somebody declares services here: the namespace is theirs
        return
    namespace = cluster.get("Namespace", "", target.namespace)
    if namespace and (namespace["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "cygni":
        forget_grant(cluster, target)
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


def _route_of(target: Target, weights: Mapping[int, int], route: Json, mark: str) -> Json:
    """A route for the same hosts as another, which it is to take the place of."""
    host, *domains = route["spec"]["hostnames"]
    return fenced(weights_route(target, weights, host, domains=domains), Fence.around(route), mark)


def as_scaled(cluster: Cluster, workload: Workload, *, asleep: bool = False) -> Workload:
    """With the number of pods that the autoscaler chose, which another apply must not undo.

    With `asleep` that holds for one that was put to sleep too: it is not woken.
    """
    if not workload.autoscaled and not (asleep and workload.sleeps):
        return workload
    live = cluster.get("Deployment", workload.target.namespace, workload.target.release(workload.number))
    if live is None:
        return workload
    count = int(live["spec"].get("replicas", pods_wanted(workload)))
    return replace(workload, replicas=count, asleep=asleep and workload.sleeps and count == 0)


def _last_lines(cluster: Cluster, pod: Json) -> tuple[str, ...]:
    """The log's last lines; when the node cannot be asked, those it put into the pod's status."""
    try:
        lines = reading.tail_of(cluster, pod)
    except CygniError:  # that the node is silent is no reason to keep back the verdict
        lines = ()
    return lines or reading.last_words(pod)
