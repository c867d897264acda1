"""Put a release behind whoever wakes it, and say how one that stands is scaled."""

from __future__ import annotations

from chalicelib.platform.kubeport import Cluster
from chalicelib.projects.spec import Scale
from chalicelib.runtime.fence import Fence, fenced
from chalicelib.runtime.plan import Inventory, Ref, execute, plan
from chalicelib.runtime.rules import Target, Workload, resting_release, route_weights
from chalicelib.runtime.scalers import POLICY, grant_name, grant_of, policy_of, resting_route, scalers
from chalicelib.runtime.scaling import Gateway, Offer, Scaling, asks, choose


def inventory_of(cluster: Cluster, target: Target) -> Inventory:
    """The objects that the service owns."""
    return Inventory.read(target, cluster.get("ConfigMap", target.namespace, target.inventory))


def scaling_for(cluster: Cluster, workload: Workload, inventory: Inventory, gateway: Gateway) -> Scaling:
    """How a release is to be scaled. The cluster is asked what it has only where that matters.

    One that has an autoscaler keeps it: KEDA refuses what another scales.
    """
    scale = workload.spec.scale
    if not asks(scale) or _owns(inventory, workload, "HorizontalPodAutoscaler"):
        return Scaling(gateway=gateway)
    return choose(scale, _offer(cluster, scale), gateway)


def standing(cluster: Cluster, workload: Workload, gateway: Gateway) -> Scaling:
    """How a release is scaled as it stands, by what it owns."""
    if not asks(workload.spec.scale):
        return Scaling(gateway=gateway)
    inventory = inventory_of(cluster, workload.target)
    by_keda = _owns(inventory, workload, "ScaledObject")
    return Scaling(
        "keda" if by_keda else "cpu",
        resting=by_keda and _owns(inventory, workload, "HTTPScaledObject"),
        gateway=gateway,
    )


def rests(cluster: Cluster, target: Target) -> bool:
    """Whether requests for the service come through the interceptor."""
    return resting_release(cluster.get("HTTPRoute", target.namespace, target.service)) is not None


def rest(cluster: Cluster, workload: Workload, *, host: str, gateway: Gateway) -> bool:
    """Put a release that has all the traffic behind the interceptor, where it may go down to no instance; False where none
    of it applies: it is not to sleep, the cluster has nothing that wakes, or others have traffic too.

    It may sleep only when the route is written. LostRace when somebody has written that meanwhile.
    """
    target, number = workload.target, workload.number
    if not workload.sleeps:
        return False
    inventory = inventory_of(cluster, target)
    if not _owns(inventory, workload, "ScaledObject") or not cluster.serves("HTTPScaledObject"):
        return False
    route = cluster.get("HTTPRoute", target.namespace, target.service)
    if route is None or route_weights(target, route) != {number: 100}:
        return False
    scaled, intercepted = scalers(workload, Scaling("keda", resting=True, gateway=gateway), host=host)
    through = resting_route(target, number, host, gateway, workload.spec.domains)
    cluster.apply(grant_of(target, gateway))
    desired = (policy_of(target, gateway), intercepted, fenced(through, Fence.around(route), "rest"))
    execute(cluster, plan(desired, inventory, keep=inventory.refs))
    cluster.apply(scaled)
    return True


def forget_grant(cluster: Cluster, target: Target) -> None:
    """Take back what lets the namespace's routes name the interceptor, if anything does."""
    if not cluster.serves("HTTPScaledObject"):
        return
    policy = cluster.get("NetworkPolicy", target.namespace, POLICY)
    if policy is not None:
        labels = policy["spec"]["ingress"][0]["from"][0]["namespaceSelector"]["matchLabels"]
        cluster.delete("ReferenceGrant", labels["kubernetes.io/metadata.name"], grant_name(target))


def _offer(cluster: Cluster, scale: Scale) -> Offer:
    keda = cluster.serves("ScaledObject")
    return Offer(keda, keda and scale.min == 0 and cluster.serves("HTTPScaledObject"))


def _owns(inventory: Inventory, workload: Workload, kind: str) -> bool:
    return Ref(kind, workload.target.release(workload.number)) in inventory.refs
