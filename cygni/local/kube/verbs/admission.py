"""What the server adds or refuses when an object of certain kinds is created, beyond its own rules."""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable, Mapping

from cygni.local.kube.errors import ApiError, Cause, forbidden, invalid, invalid_value, not_found
from cygni.local.kube.objects import Obj, get_path, name_of, now
from cygni.local.kube.resources.definitions import established_status
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.storage.store import Key, Store

SERVICE_RANGE = ipaddress.ip_network("10.96.0.0/16")
CRD_CLEANUP = "customresourcecleanup.apiextensions.k8s.io"


MADE_BY_UPDATE = frozenset({
    "services", "endpoints", "events", "limitranges", "leases.coordination.k8s.io", "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io", "clusterroles.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
})  # fmt: skip
_STRATEGIES = {"deployments.apps": "strategy", "statefulsets.apps": "updateStrategy", "daemonsets.apps": "updateStrategy"}


def check_namespace(store: Store, resource: Resource, namespace: str, name: str) -> None:
    """New content needs a namespace that exists (404) and is not going away (403)."""
    found = store.get(Key("namespaces", "", namespace))
    if found is None:
        raise not_found("namespaces", "", namespace)
    if found["metadata"].get("deletionTimestamp"):
        why = f"unable to create new content in namespace {namespace} because it is being terminated"
        error = forbidden(resource.plural, resource.group, name, why)
        cause = Cause("metadata.namespace", f"namespace {namespace} is being terminated", "NamespaceTerminating")
        error.status["details"]["causes"] = [cause.to_json()]
        raise error


def prepare_create(store: Store, resource: Resource, obj: Obj) -> None:
    """Give a new object what only the server can give: status, addresses, limits of its namespace. In place."""
    if resource.has_status:
        obj.pop("status", None)
    prepare = _CREATE.get(resource.key)
    if prepare:
        prepare(store, obj)


def _namespace(_store: Store, obj: Obj) -> None:
    obj["spec"]["finalizers"] = ["kubernetes"]  # held until the namespace is empty
    obj["status"] = {"phase": "Active"}


def _pod(store: Store, obj: Obj) -> None:
    _limit_pod(store, obj)
    obj["status"] = {"phase": "Pending", "qosClass": _quality(obj["spec"])}


def _quality(spec: Obj) -> str:
    resources: list[Obj] = [container.get("resources") or {} for container in spec.get("containers") or []]
    if not any(each.get("requests") or each.get("limits") for each in resources):
        return "BestEffort"
    full = all(
        {"cpu", "memory"} <= set(each.get("limits") or {}) and (each.get("requests") or each["limits"]) == each["limits"]
        for each in resources
    )
    return "Guaranteed" if full else "Burstable"


def _limit_pod(store: Store, obj: Obj) -> None:
    """The defaults of the namespace's LimitRanges for containers that are silent."""
    for limit_range in store.select("limitranges", obj["metadata"]["namespace"]):
        for limit in get_path(limit_range, "spec", "limits", default=[]):
            if limit.get("type") != "Container":
                continue
            for container in obj["spec"].get("containers") or []:
                resources = container.setdefault("resources", {})
                for kind, source in (("limits", "default"), ("requests", "defaultRequest")):
                    merged = {**(limit.get(source) or {}), **(resources.get(kind) or {})}
                    if merged:
                        resources[kind] = merged


def empty_object(resource: Resource) -> Obj:
    """What every object of a built-in kind has before anybody writes it. A custom kind has nothing."""
    if resource.custom:
        return {"metadata": {}}
    template: Obj = {"metadata": {}, "spec": {"containers": []}}
    spec: Obj = {"template": template} if resource.group in {"apps", "batch"} else {}
    if resource.key == "pods":
        spec["containers"] = []
    if resource.key in _STRATEGIES:
        spec[_STRATEGIES[resource.key]] = {}
    return {"metadata": {}, "spec": spec, "status": {}}


def allocate(store: Store, resource: Resource, obj: Obj) -> None:
    """Addresses are given last, so no manager owns them. In place."""
    if resource.key != "services":
        return
    spec = obj["spec"]
    if spec.get("type") == "ExternalName":
        return
    asked = spec.get("clusterIP")
    if asked == "None":
        spec["clusterIPs"] = ["None"]
        return
    spec.setdefault("ipFamilies", ["IPv4"])
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    taken = {service["spec"].get("clusterIP") for service in store.select("services")}
    if asked:
        _check_address(asked, taken, obj)
    spec["clusterIP"] = asked or next(str(address) for address in _addresses(store) if str(address) not in taken)
    spec["clusterIPs"] = [spec["clusterIP"]]


def _addresses(store: Store) -> itertools.chain[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Candidates in turn, starting elsewhere each time so that an address is not given again at once."""
    hosts = SERVICE_RANGE.num_addresses - 2
    start = store.revision % hosts
    order = itertools.chain(range(start, hosts), range(start))
    return itertools.chain(SERVICE_RANGE.network_address + 1 + offset for offset in order)


def _check_address(asked: str, taken: set[str | None], obj: Obj) -> None:
    try:
        inside = ipaddress.ip_address(asked) in SERVICE_RANGE
    except ValueError:
        inside = False
    if not inside:
        why = f"failed to allocate IP {asked}: the provided IP is not in the valid range {SERVICE_RANGE}"
    elif asked in taken:
        why = f"failed to allocate IP {asked}: provided IP is already allocated"
    else:
        return
    raise invalid("Service", "", name_of(obj), [invalid_value("spec.clusterIPs", [asked], why)])


def _service(_store: Store, obj: Obj) -> None:
    obj["status"] = {"loadBalancer": {}}


def _definition(_store: Store, obj: Obj) -> None:
    obj["metadata"]["finalizers"] = sorted({*(obj["metadata"].get("finalizers") or []), CRD_CLEANUP})
    obj["status"] = established_status(obj, now())


def _budget(_store: Store, obj: Obj) -> None:
    obj["status"] = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}


def _replicas(_store: Store, obj: Obj) -> None:
    obj["status"] = {"replicas": 0}


_CREATE: Mapping[str, Callable[[Store, Obj], None]] = {
    "namespaces": _namespace,
    "pods": _pod,
    "services": _service,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
    "poddisruptionbudgets.policy": _budget,
    "replicasets.apps": _replicas,
    "statefulsets.apps": lambda _store, obj: obj.update(status={"replicas": 0, "availableReplicas": 0}),
    "deployments.apps": lambda _store, obj: obj.update(status={}),
    "horizontalpodautoscalers.autoscaling": lambda _store, obj: obj.update(
        status={"currentReplicas": 0, "desiredReplicas": 0, "currentMetrics": None}
    ),
    "jobs.batch": lambda _store, obj: obj.update(status={}),
    "persistentvolumeclaims": lambda _store, obj: obj.update(status={"phase": "Pending"}),
    "resourcequotas": lambda _store, obj: obj.update(status={}),
}


def prepare_update(resource: Resource, old: Obj, new: Obj) -> None:
    """Keep what a client need not repeat: allocated addresses, a definition's status. In place."""
    if resource.key == "services" and new["spec"].get("type") != "ExternalName":
        for field in ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"):
            if old["spec"].get(field) and not new["spec"].get(field):
                new["spec"][field] = old["spec"][field]
    elif resource.key == "customresourcedefinitions.apiextensions.k8s.io":
        new["status"] = established_status({**new, "status": old.get("status", {})}, now())


def protect(resource: Resource, name: str) -> ApiError | None:
    """Why an object may not be deleted, if so."""
    if resource.key == "namespaces" and name in {"default", "kube-system", "kube-public"}:
        return forbidden(resource.plural, resource.group, name, "this namespace may not be deleted")
    return None
