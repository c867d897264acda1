"""How many pods a release has, where a rollout leads that and no autoscaler.

Every function may run twice, and again after it died half-way: the end is the same.
"""

from __future__ import annotations

from chalicelib.platform.kubeport import Cluster
from chalicelib.runtime.manifests import pods_wanted, render
from chalicelib.runtime.plan import execute, plan
from chalicelib.runtime.resting import inventory_of, scaling_for
from chalicelib.runtime.rules import Target, Workload, revision
from chalicelib.runtime.scaling import Gateway

SCALERS = frozenset({"HorizontalPodAutoscaler", "ScaledObject"})
"""The kinds that set a release's size by themselves."""

__all__ = ["SCALERS", "give_back", "grow", "pods_of", "pods_wanted", "shrink", "take_over"]


def pods_of(cluster: Cluster, target: Target, number: int) -> int | None:
    """The pods that a release's Deployment asks for; None where it is absent."""
    deployment = cluster.get("Deployment", target.namespace, target.release(number))
    return None if deployment is None else int(deployment["spec"].get("replicas", 1))


def grow(cluster: Cluster, target: Target, number: int, pods: int) -> None:
    """Have a release ask for at least so many pods; one that is absent stays so."""
    present = pods_of(cluster, target, number)
    if present is not None and present < pods:
        cluster.scale(target.namespace, target.release(number), pods)


def shrink(cluster: Cluster, target: Target, number: int, pods: int) -> None:
    """Have a release ask for at most so many pods."""
    present = pods_of(cluster, target, number)
    if present is not None and present > pods:
        cluster.scale(target.namespace, target.release(number), pods)


def take_over(cluster: Cluster, target: Target, number: int) -> None:
    """Remove what scales a release by itself; its pods stay as many as they are."""
    inventory = inventory_of(cluster, target)
    doomed = {ref for ref in inventory.refs if ref.revision == revision(number) and ref.kind in SCALERS}
    if doomed:
        execute(cluster, plan((), inventory, keep=inventory.refs - doomed))


def give_back(cluster: Cluster, workload: Workload, *, host: str, gateway: Gateway) -> None:
    """Have a release scaled by itself again, if it is to be; nothing else of it is written."""
    inventory = inventory_of(cluster, workload.target)
    scaling = scaling_for(cluster, workload, inventory, gateway)
    rendered = render(workload, host=host, api=cluster.version(), scaling=scaling)
    scalers = [manifest for manifest in rendered if manifest["kind"] in SCALERS]
    if scalers:
        execute(cluster, plan(scalers, inventory, keep=inventory.refs))
