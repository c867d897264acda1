"""EndpointSlices: where the pods behind a Service are, and which of them take traffic."""

from __future__ import annotations

from collections.abc import Iterable

from cygni.local.kube.controllers.base import Base
from cygni.local.kube.objects import (
    Obj,
    controller_of,
    get_path,
    is_deleting,
    is_pod_ready,
    name_of,
    namespace_of,
    owner_reference,
)
from cygni.local.kube.selectors import matches_map
from cygni.local.kube.storage.store import Change, Key

SLICES = "endpointslices.discovery.k8s.io"
_SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_OURS = "endpointslice-controller.k8s.io"

Ports = tuple[tuple[str, int, str], ...]


def resolve_ports(service: Obj, pod: Obj) -> Ports:
    """(name, number, protocol) of a Service's ports on a pod; ports whose name the pod does not know are left out."""
    found = []
    for port in get_path(service, "spec", "ports", default=[]):
        target = port.get("targetPort", port["port"])
        if isinstance(target, str):
            declared = [each for container in pod["spec"]["containers"] for each in container.get("ports") or []]
            target = next((each["containerPort"] for each in declared if each.get("name") == target), None)
        if target is not None:
            found.append((port.get("name", ""), int(target), port.get("protocol", "TCP")))
    return tuple(found)


def endpoint(service: Obj, pod: Obj) -> Obj:
    """A pod as an endpoint."""
    going = is_deleting(pod)
    serving = is_pod_ready(pod)
    ready = bool(get_path(service, "spec", "publishNotReadyAddresses")) or (serving and not going)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": going},
        "targetRef": {"kind": "Pod", "namespace": namespace_of(pod), "name": name_of(pod), "uid": pod["metadata"]["uid"]},
        **({"nodeName": pod["spec"]["nodeName"]} if pod["spec"].get("nodeName") else {}),
    }


class EndpointSlices(Base):
    """One slice for each set of port numbers that the pods of a Service have; usually one."""

    def concerns(self, change: Change) -> Iterable[Key]:
        if change.key.resource == "services":
            return [change.key]
        if change.key.resource == SLICES:
            owner = controller_of(change.obj)
            return [Key("services", change.key.namespace, owner["name"])] if owner and owner["kind"] == "Service" else []
        if change.key.resource != "pods":
            return []
        versions = [version for version in (change.obj, change.before) if version is not None]
        labels = [version["metadata"].get("labels") or {} for version in versions]
        services = self.store.select("services", change.key.namespace)
        return [
            Key("services", change.key.namespace, name_of(service)) for service in services
            if any(matches_map(service["spec"].get("selector"), each) for each in labels)
        ]  # fmt: skip

    def reconcile(self, key: Key) -> float | None:
        service = self.store.get(key)
        if service is None or is_deleting(service) or not service["spec"].get("selector"):
            return None
        groups: dict[Ports, list[Obj]] = {}
        for pod in self.store.select("pods", key.namespace):
            gone = get_path(pod, "status", "phase") in {"Succeeded", "Failed"}
            chosen = matches_map(service["spec"]["selector"], pod["metadata"].get("labels") or {})
            if chosen and not gone and get_path(pod, "status", "podIP"):
                groups.setdefault(resolve_ports(service, pod), []).append(endpoint(service, pod))
        self._write(service, groups or {(): []})
        return None

    def _write(self, service: Obj, groups: dict[Ports, list[Obj]]) -> None:
        uid = service["metadata"]["uid"]
        existing = [
            each for each in self.store.select(SLICES, namespace_of(service)) if (controller_of(each) or {}).get("uid") == uid
        ]
        for ports, endpoints in sorted(groups.items()):
            rows = [{"name": name, "port": number, "protocol": protocol} for name, number, protocol in ports]
            if existing:
                # A loop variable is not to be captured late, hence the defaults.
                def change(copy: Obj, rows: list[Obj] = rows, endpoints: list[Obj] = endpoints) -> None:
                    copy["endpoints"], copy["ports"] = endpoints, rows

                self.edit(SLICES, existing.pop(0), change)
            else:
                self.create(SLICES, namespace_of(service), _slice(service, rows, endpoints))
        for stale in existing:
            self.delete(self.resource(SLICES), stale)


def _slice(service: Obj, rows: list[Obj], endpoints: list[Obj]) -> Obj:
    labels = {**(service["metadata"].get("labels") or {}), _SERVICE_NAME: name_of(service), _MANAGED_BY: _OURS}
    return {
        "metadata": {"generateName": f"{name_of(service)}-", "labels": labels, "ownerReferences": [owner_reference(service)]},
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": rows,
    }
