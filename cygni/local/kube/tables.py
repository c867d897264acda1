"""What `kubectl get` prints: the columns of each kind, and objects as rows of a Table."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cygni.local.kube.jsonpath import first
from cygni.local.kube.objects import Obj, find_condition, get_path, is_deleting, name_of, parse_time
from cygni.local.kube.resources.kinds import Column, Resource
from cygni.local.kube.selectors import to_string

Cell = Callable[[Obj], Any]


@dataclass(frozen=True)
class BuiltinColumn:
    """A column of a built-in kind: title, type, cell; `wide` ones are shown by `-o wide` only."""

    name: str
    cell: Cell
    type: str = "string"
    wide: bool = False


def age(text: str | None) -> str:
    """How long ago a time was, in kubectl's short form."""
    if not text:
        return "<unknown>"
    seconds = int((datetime.datetime.now(datetime.UTC) - parse_time(text)).total_seconds())
    return duration(max(seconds, 0))


def duration(seconds: int) -> str:
    """Seconds in kubectl's short form: 5s, 2m10s, 11m, 3h5m, 9h, 2d3h, 12d, 2y."""
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return f"{days}d{hours % 24}h" if hours % 24 else f"{days}d"
    return f"{days}d" if days < 730 else f"{days // 365}y{days % 365}d"


def _at(*path: str | int, default: Any = "<none>") -> Cell:
    return lambda obj: get_path(obj, *path, default=default)


def _age(obj: Obj) -> str:
    return age(obj["metadata"].get("creationTimestamp"))


def _count(*path: str) -> Cell:
    return lambda obj: len(get_path(obj, *path, default=()))


def _containers(obj: Obj) -> list[Obj]:
    template: Obj = get_path(obj, "spec", "template", default=obj)
    return list(get_path(template, "spec", "containers", default=[]))


def _container_names(obj: Obj) -> str:
    return ",".join(container["name"] for container in _containers(obj))


def _images(obj: Obj) -> str:
    return ",".join(container.get("image", "") for container in _containers(obj))


def _selector(obj: Obj) -> str:
    return to_string(get_path(obj, "spec", "selector")) or "<none>"


def _pod_ready(pod: Obj) -> str:
    statuses: list[Obj] = get_path(pod, "status", "containerStatuses", default=[])
    return f"{sum(bool(status.get('ready')) for status in statuses)}/{len(pod['spec'].get('containers') or [])}"


def _pod_status(pod: Obj) -> str:
    text = get_path(pod, "status", "reason") or get_path(pod, "status", "phase", default="Unknown")
    for status in reversed(get_path(pod, "status", "containerStatuses", default=[])):
        state = status.get("state") or {}
        waiting, ended = get_path(state, "waiting", "reason"), state.get("terminated")
        if waiting:
            text = waiting
        elif ended:
            text = ended.get("reason") or f"ExitCode:{ended.get('exitCode', 0)}"
    if is_deleting(pod):
        return "Unknown" if get_path(pod, "status", "reason") == "NodeLost" else "Terminating"
    return str(text)


def _pod_restarts(pod: Obj) -> str:
    statuses: list[Obj] = get_path(pod, "status", "containerStatuses", default=[])
    count = sum(int(status.get("restartCount", 0)) for status in statuses)
    ended = [get_path(status, "lastState", "terminated", "finishedAt") for status in statuses]
    latest = max((moment for moment in ended if moment), default=None)
    return f"{count} ({age(latest)} ago)" if count and latest else str(count)


def _service_ports(service: Obj) -> str:
    ports = get_path(service, "spec", "ports", default=[])
    texts = [
        f"{port['port']}" + (f":{port['nodePort']}" if port.get("nodePort") else "") + f"/{port.get('protocol', 'TCP')}"
        for port in ports
    ]
    return ",".join(texts) or "<none>"


def _map_text(*path: str) -> Cell:
    def cell(obj: Obj) -> str:
        pairs: Obj = get_path(obj, *path, default={})
        return ",".join(f"{key}={value}" for key, value in sorted(pairs.items())) or "<none>"

    return cell


def _fraction(done: tuple[str, ...], wanted: tuple[str, ...]) -> Cell:
    return lambda obj: f"{get_path(obj, *done, default=0)}/{get_path(obj, *wanted, default=0)}"


def _node_status(node: Obj) -> str:
    ready = find_condition(node, "Ready")
    text = "Unknown" if ready is None else ("Ready" if ready.get("status") == "True" else "NotReady")
    return text + (",SchedulingDisabled" if get_path(node, "spec", "unschedulable") else "")


def _node_address(kind: str) -> Cell:
    def cell(node: Obj) -> str:
        addresses = get_path(node, "status", "addresses", default=[])
        return next((address["address"] for address in addresses if address["type"] == kind), "<none>")

    return cell


def _target(obj: Obj) -> str:
    return f"{get_path(obj, 'spec', 'scaleTargetRef', 'kind')}/{get_path(obj, 'spec', 'scaleTargetRef', 'name')}"


def _autoscaler_targets(obj: Obj) -> str:
    current = get_path(obj, "status", "currentMetrics", 0, "resource", "current", "averageUtilization")
    metric = get_path(obj, "spec", "metrics", 0, "resource", default={})
    shown = "<unknown>" if current is None else f"{current}%"
    return f"{metric.get('name', 'metric')}: {shown}/{get_path(metric, 'target', 'averageUtilization', default='<none>')}%"


def _endpoint_addresses(obj: Obj) -> str:
    addresses = [address for endpoint in obj.get("endpoints") or [] for address in endpoint.get("addresses") or []]
    return ",".join(addresses[:3]) + (f" + {len(addresses) - 3} more..." if len(addresses) > 3 else "") or "<unset>"


def _slice_ports(obj: Obj) -> str:
    return ",".join(str(port.get("port", "*")) for port in obj.get("ports") or []) or "<unset>"


def _subset_addresses(obj: Obj) -> str:
    found = [
        f"{address['ip']}:{port['port']}"
        for subset in obj.get("subsets") or []
        for address in subset.get("addresses") or []
        for port in subset.get("ports") or []
    ]
    return ",".join(found[:3]) or "<none>"


def _event_seen(obj: Obj) -> str:
    return age(obj.get("lastTimestamp") or obj.get("eventTime") or obj["metadata"].get("creationTimestamp"))


def _event_object(obj: Obj) -> str:
    involved = obj.get("involvedObject") or {}
    return f"{str(involved.get('kind', '')).lower()}/{involved.get('name', '')}"


_NAME = BuiltinColumn("Name", name_of)
_AGE = BuiltinColumn("Age", _age)
_WORKLOAD_WIDE = (
    BuiltinColumn("Containers", _container_names, wide=True),
    BuiltinColumn("Images", _images, wide=True),
    BuiltinColumn("Selector", _selector, wide=True),
)
_PLAIN = (_NAME, BuiltinColumn("Created At", _at("metadata", "creationTimestamp")))

COLUMNS: Mapping[str, tuple[BuiltinColumn, ...]] = {
    "pods": (
        _NAME, BuiltinColumn("Ready", _pod_ready), BuiltinColumn("Status", _pod_status),
        BuiltinColumn("Restarts", _pod_restarts), _AGE,
        BuiltinColumn("IP", _at("status", "podIP"), wide=True), BuiltinColumn("Node", _at("spec", "nodeName"), wide=True),
    ),
    "services": (
        _NAME, BuiltinColumn("Type", _at("spec", "type")), BuiltinColumn("Cluster-IP", _at("spec", "clusterIP")),
        BuiltinColumn("External-IP", _at("spec", "externalName")), BuiltinColumn("Port(s)", _service_ports), _AGE,
        BuiltinColumn("Selector", _map_text("spec", "selector"), wide=True),
    ),
    "endpoints": (_NAME, BuiltinColumn("Endpoints", _subset_addresses), _AGE),
    "configmaps": (_NAME, BuiltinColumn("Data", _count("data"), "integer"), _AGE),
    "secrets": (_NAME, BuiltinColumn("Type", _at("type")), BuiltinColumn("Data", _count("data"), "integer"), _AGE),
    "namespaces": (_NAME, BuiltinColumn("Status", _at("status", "phase")), _AGE),
    "serviceaccounts": (_NAME, BuiltinColumn("Secrets", _count("secrets"), "integer"), _AGE),
    "resourcequotas": (_NAME, BuiltinColumn("Limit", _map_text("spec", "hard")), _AGE),
    "limitranges": _PLAIN,
    "persistentvolumeclaims": (_NAME, BuiltinColumn("Status", _at("status", "phase")), _AGE),
    "nodes": (
        _NAME, BuiltinColumn("Status", _node_status), BuiltinColumn("Roles", lambda _obj: "<none>"), _AGE,
        BuiltinColumn("Version", _at("status", "nodeInfo", "kubeletVersion", default="")),
        BuiltinColumn("Internal-IP", _node_address("InternalIP"), wide=True),
    ),
    "events": (
        BuiltinColumn("Last Seen", _event_seen), BuiltinColumn("Type", _at("type", default="")),
        BuiltinColumn("Reason", _at("reason", default="")), BuiltinColumn("Object", _event_object),
        BuiltinColumn("Message", _at("message", default="")), BuiltinColumn("Name", name_of, wide=True),
        BuiltinColumn("Count", _at("count", default=1), "integer", wide=True),
    ),
    "deployments.apps": (
        _NAME, BuiltinColumn("Ready", _fraction(("status", "readyReplicas"), ("spec", "replicas"))),
        BuiltinColumn("Up-to-date", _at("status", "updatedReplicas", default=0), "integer"),
        BuiltinColumn("Available", _at("status", "availableReplicas", default=0), "integer"), _AGE, *_WORKLOAD_WIDE,
    ),
    "replicasets.apps": (
        _NAME, BuiltinColumn("Desired", _at("spec", "replicas", default=0), "integer"),
        BuiltinColumn("Current", _at("status", "replicas", default=0), "integer"),
        BuiltinColumn("Ready", _at("status", "readyReplicas", default=0), "integer"), _AGE, *_WORKLOAD_WIDE,
    ),
    "statefulsets.apps": (_NAME, BuiltinColumn("Ready", _fraction(("status", "readyReplicas"), ("spec", "replicas"))), _AGE),
    "daemonsets.apps": (
        _NAME, BuiltinColumn("Desired", _at("status", "desiredNumberScheduled", default=0), "integer"),
        BuiltinColumn("Ready", _at("status", "numberReady", default=0), "integer"), _AGE,
    ),
    "jobs.batch": (_NAME, BuiltinColumn("Completions", _fraction(("status", "succeeded"), ("spec", "completions"))), _AGE),
    "horizontalpodautoscalers.autoscaling": (
        _NAME, BuiltinColumn("Reference", _target), BuiltinColumn("Targets", _autoscaler_targets),
        BuiltinColumn("MinPods", _at("spec", "minReplicas", default="<unset>"), "string"),
        BuiltinColumn("MaxPods", _at("spec", "maxReplicas", default=0), "integer"),
        BuiltinColumn("Replicas", _at("status", "currentReplicas", default=0), "integer"), _AGE,
    ),
    "endpointslices.discovery.k8s.io": (
        _NAME, BuiltinColumn("AddressType", _at("addressType")),
        BuiltinColumn("Ports", _slice_ports),
        BuiltinColumn("Endpoints", _endpoint_addresses), _AGE,
    ),
    "networkpolicies.networking.k8s.io": (
        _NAME, BuiltinColumn("Pod-Selector", lambda obj: to_string(get_path(obj, "spec", "podSelector")) or "<none>"), _AGE,
    ),
    "poddisruptionbudgets.policy": (
        _NAME, BuiltinColumn("Min Available", _at("spec", "minAvailable", default="N/A")),
        BuiltinColumn("Max Unavailable", _at("spec", "maxUnavailable", default="N/A")),
        BuiltinColumn("Allowed Disruptions", _at("status", "disruptionsAllowed", default=0), "integer"), _AGE,
    ),
    "leases.coordination.k8s.io": (_NAME, BuiltinColumn("Holder", _at("spec", "holderIdentity", default="")), _AGE),
}  # fmt: skip


def _custom_column(column: Column) -> BuiltinColumn:
    def cell(obj: Obj) -> Any:
        value = first(obj, column.path)
        if column.type == "date":
            return age(value) if value else None
        return value if not isinstance(value, (dict, list)) else str(value)

    return BuiltinColumn(column.name, cell, column.type, wide=column.priority > 0)


def columns_of(resource: Resource) -> tuple[BuiltinColumn, ...]:
    """The columns of a resource, with a name and an age at least."""
    if not resource.custom:
        return COLUMNS.get(resource.key, _PLAIN)
    columns = tuple(_custom_column(column) for column in resource.columns)
    return (_NAME, *columns) if columns else (_NAME, _AGE)


def table(resource: Resource, objects: Iterable[Obj], metadata: Obj, *, include: str = "Metadata", head: bool = True) -> Obj:
    """Objects as a Table. `include`: what each row carries beside its cells, Metadata, Object or None."""
    columns = columns_of(resource)
    definitions = [
        {"name": column.name, "type": column.type, "format": "name" if column is _NAME else "", "description": "",
         "priority": 1 if column.wide else 0}
        for column in columns
    ]  # fmt: skip
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": definitions if head else [],
        "rows": [{"cells": [column.cell(obj) for column in columns], **_row_object(obj, include)} for obj in objects],
    }


def _row_object(obj: Obj, include: str) -> Obj:
    if include == "None":
        return {}
    if include == "Object":
        return {"object": obj}
    return {"object": {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}}
