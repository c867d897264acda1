"""How many pods a release has, where a rollout leads that and no autoscaler.

Every function may run twice, and again after it died half-way: the end is the same. A size is written only where nobody has
written the release's Deployment since it was read (`chalicelib.runtime.fence`): LostRace else.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.platform.kubeport import Cluster
from chalicelib.runtime.fence import MARK, Fence
from chalicelib.runtime.manifests import pods_wanted, render
from chalicelib.runtime.plan import execute, plan
from chalicelib.runtime.resting import inventory_of, scaling_for
from chalicelib.runtime.rules import Target, Workload, revision
from chalicelib.runtime.scaling import Gateway

SCALERS = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})
"""The kinds that set a release's size by themselves."""

__all__ = ["SCALERS", "Size", "give_back", "grow", "hold", "pods_of", "pods_wanted", "shrink", "size_of", "take_over"]


@dataclass(frozen=True, slots=True)
class Size:
    """The pods that a release's Deployment asked for when it was read, None where it was absent; and the fence around it."""

    target: Target
    number: int
    pods: int | None
    put_up: Fence


def size_of(cluster: Cluster, target: Target, number: int) -> Size:
    """The size of a release, to be read before a worker reads what it is to do."""
    deployment = cluster.get("Deployment", target.namespace, target.release(number))
    pods = None if deployment is None else int(deployment["spec"].get("replicas", 1))
    return Size(target, number, pods, Fence.around(deployment))


def pods_of(cluster: Cluster, target: Target, number: int) -> int | None:
    """The pods that a release's Deployment asks for; None where it is absent."""
    return size_of(cluster, target, number).pods


def grow(cluster: Cluster, seen: Size, pods: int, mark: str) -> None:
    """Have a release ask for at least so many pods; one that is absent stays so."""
    if seen.pods is not None and seen.pods < pods:
        _give(cluster, seen, pods, mark)


def shrink(cluster: Cluster, seen: Size, pods: int, mark: str) -> None:
    """Have a release ask for at most so many pods."""
    if seen.pods is not None and seen.pods > pods:
        _give(cluster, seen, pods, mark)


def hold(cluster: Cluster, seen: Size, mark: str, *, least: int = 0) -> None:
    """Have a release ask for at least so many pods, and write that with a `mark` that nobody wrote before, whatever it had:
    from now on whoever read it before is refused."""
    if seen.pods is not None:
        _give(cluster, seen, max(seen.pods, least), mark)


def take_over(cluster: Cluster, target: Target, number: int) -> None:
    """Remove what scales a release by itself; its pods stay as many as they are."""
    inventory = inventory_of(cluster, target)
    doomed = {ref for ref in inventory.refs if ref.revision == revision(number) and ref.kind in SCALERS}
    if doomed:
        execute(cluster, plan((), inventory, keep=inventory.refs - doomed))


def give_back(cluster: Cluster, workload: Workload, seen: Size, mark: str, *, host: str, gateway: Gateway) -> None:
    """Have a release scaled by itself again, if it is to be; nothing else of it is written but the mark."""
    inventory = inventory_of(cluster, workload.target)
    scaling = scaling_for(cluster, workload, inventory, gateway)
    rendered = render(workload, host=host, api=cluster.version(), scaling=scaling)
    scalers = [manifest for manifest in rendered if manifest["kind"] in SCALERS]
    if scalers:
        hold(cluster, seen, mark)
        execute(cluster, plan(scalers, inventory, keep=inventory.refs))


def _give(cluster: Cluster, seen: Size, pods: int, mark: str) -> None:
    name = seen.target.release(seen.number)
    cluster.scale(seen.target.namespace, name, pods, version=seen.put_up.version, notes={MARK: mark})
