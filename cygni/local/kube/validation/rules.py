"""The rules of each kind: what a valid object is, and what may not change. One row for each kind in two tables."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cygni.local.kube.errors import Cause, duplicate, forbidden_field, invalid_value, not_supported, required, too_long
from cygni.local.kube.objects import Obj, get_path, name_of
from cygni.local.kube.resources.definitions import definition_change_faults, definition_faults
from cygni.local.kube.selectors import matches
from cygni.local.kube.validation.names import label_faults, label_name_faults, name_faults
from cygni.local.kube.validation.pods import (
    at_least,
    one_of,
    pod_change_faults,
    pod_faults,
    port_number_faults,
    template_faults,
)

_DATA_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)
_DATA_LIMIT = 1024 * 1024
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_IMMUTABLE = "field is immutable"


def selector_faults(selector: Obj | None, path: str) -> Iterator[Cause]:
    """What is wrong with a LabelSelector."""
    yield from label_faults((selector or {}).get("matchLabels"), f"{path}.matchLabels")
    for index, each in enumerate((selector or {}).get("matchExpressions") or []):
        here = f"{path}.matchExpressions[{index}]"
        if each.get("operator") not in _OPERATORS:
            yield invalid_value(f"{here}.operator", each.get("operator"), "not a valid selector operator")
        elif (each["operator"] in {"In", "NotIn"}) != bool(each.get("values")):
            yield required(f"{here}.values", "must be specified when `operator` is 'In' or 'NotIn'")


def _workload(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from at_least(spec, "replicas", 0, "spec")
    yield from at_least(spec, "minReadySeconds", 0, "spec")
    selector, template = spec.get("selector"), spec.get("template")
    if selector is None:
        yield required("spec.selector")
    elif not selector.get("matchLabels") and not selector.get("matchExpressions"):
        yield invalid_value("spec.selector", selector, f"empty selector is invalid for {obj['kind'].lower()}")
    else:
        yield from selector_faults(selector, "spec.selector")
    template = template or {}
    labels = get_path(template, "metadata", "labels", default={})
    if selector and not list(selector_faults(selector, "")) and not matches(selector, labels):
        yield invalid_value("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
    yield from template_faults(template, "spec.template")


def _deployment(obj: Obj) -> Iterator[Cause]:
    yield from _workload(obj)
    spec = obj.get("spec") or {}
    strategy = spec.get("strategy") or {}
    if strategy.get("type") not in {"Recreate", "RollingUpdate"}:
        yield not_supported("spec.strategy", strategy, ("Recreate", "RollingUpdate"))
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "Recreate" and rolling is not None:
        yield forbidden_field("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'")
    if rolling:
        for field in ("maxSurge", "maxUnavailable"):
            yield from _share_faults(rolling.get(field), f"spec.strategy.rollingUpdate.{field}")
        if {str(rolling.get("maxSurge")), str(rolling.get("maxUnavailable"))} <= {"0", "0%"}:
            yield invalid_value(
                "spec.strategy.rollingUpdate.maxUnavailable", rolling.get("maxUnavailable"), "may not be 0 when `maxSurge` is 0"
            )
    yield from at_least(spec, "revisionHistoryLimit", 0, "spec")
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds", 0)
    if deadline is not None and deadline <= ready:
        yield invalid_value("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _share_faults(value: Any, field: str) -> Iterator[Cause]:
    if isinstance(value, str) and not re.fullmatch(r"[0-9]+%", value):
        yield invalid_value(
            field, value, "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%')"
        )
    elif isinstance(value, int) and value < 0:
        yield invalid_value(field, value, "must be greater than or equal to 0")


def _job(obj: Obj) -> Iterator[Cause]:
    yield from template_faults(get_path(obj, "spec", "template", default={}), "spec.template", ("OnFailure", "Never"))


def _service(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    kinds = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    yield from one_of(spec, "type", kinds, "spec")
    yield from one_of(spec, "sessionAffinity", ("ClientIP", "None"), "spec")
    yield from label_faults(spec.get("selector"), "spec.selector")
    ports: list[Obj] = spec.get("ports") or []
    if spec.get("type") == "ExternalName":
        if not spec.get("externalName"):
            yield required("spec.externalName")
    elif not ports and spec.get("clusterIP") != "None":
        yield required("spec.ports")
    yield from _service_port_faults(ports)


def _service_port_faults(ports: list[Obj]) -> Iterator[Cause]:
    names: set[str] = set()
    taken: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        here = f"spec.ports[{index}]"
        name = port.get("name", "")
        if len(ports) > 1 and not name:
            yield required(f"{here}.name")
        elif name:
            yield from label_name_faults(name, f"{here}.name")
        if name and name in names:
            yield duplicate(f"{here}.name", name)
        names.add(name)
        yield from port_number_faults(port.get("port") or 0, f"{here}.port")
        yield from one_of(port, "protocol", ("SCTP", "TCP", "UDP"), here)
        if port.get("targetPort") is not None:
            yield from port_number_faults(port["targetPort"], f"{here}.targetPort")
        address = (port.get("port"), port.get("protocol"))
        if address in taken:
            yield duplicate(here, {"port": address[0], "protocol": address[1]})
        taken.add(address)


def _data(obj: Obj) -> Iterator[Cause]:
    size = 0
    for field in ("data", "binaryData"):
        for key, value in (obj.get(field) or {}).items():
            size += len(str(value))
            if not _DATA_KEY.fullmatch(key):
                yield invalid_value(f"{field}[{key}]", key, _KEY_RULE)
            if (field == "binaryData" or obj["kind"] == "Secret") and not _is_base64(str(value)):
                yield invalid_value(f"{field}[{key}]", value, "illegal base64 data")
    if size > _DATA_LIMIT:
        yield too_long("data" if obj["kind"] == "Secret" else "", _DATA_LIMIT)


def _is_base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _autoscaler(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    lowest, highest = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    if lowest < 1:
        yield invalid_value("spec.minReplicas", lowest, "must be greater than or equal to 1")
    if highest < 1:
        yield invalid_value("spec.maxReplicas", highest, "must be greater than 0")
    elif highest < lowest:
        yield invalid_value("spec.maxReplicas", highest, "must be greater than or equal to `minReplicas`")
    target = spec.get("scaleTargetRef") or {}
    for field in ("kind", "name"):
        if not target.get(field):
            yield required(f"spec.scaleTargetRef.{field}")


def _network_policy(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    yield from selector_faults(spec.get("podSelector"), "spec.podSelector")
    for index, word in enumerate(spec.get("policyTypes") or []):
        if word not in {"Ingress", "Egress"}:
            yield not_supported(f"spec.policyTypes[{index}]", word, ("Egress", "Ingress"))


def _disruption_budget(obj: Obj) -> Iterator[Cause]:
    spec = obj.get("spec") or {}
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        yield invalid_value("spec", {}, "minAvailable and maxUnavailable cannot be both set")
    yield from selector_faults(spec.get("selector"), "spec.selector")


def _endpoint_slice(obj: Obj) -> Iterator[Cause]:
    if not obj.get("addressType"):
        yield required("addressType")
    else:
        yield from one_of(obj, "addressType", ("FQDN", "IPv4", "IPv6"), "")
    for index, endpoint in enumerate(obj.get("endpoints") or []):
        if not endpoint.get("addresses"):
            yield required(f"endpoints[{index}].addresses", "must contain at least 1 address")


def _event(obj: Obj) -> Iterator[Cause]:
    involved = obj.get("involvedObject") or {}
    if (involved.get("namespace") or "default") != obj["metadata"].get("namespace"):
        yield invalid_value("involvedObject.namespace", involved.get("namespace", ""), "does not match event.namespace")


def _limit_range(obj: Obj) -> Iterator[Cause]:
    for index, limit in enumerate(get_path(obj, "spec", "limits", default=[])):
        if not limit.get("type"):
            yield required(f"spec.limits[{index}].type")


RULES: Mapping[str, Callable[[Obj], Iterator[Cause]]] = {
    "pods": pod_faults,
    "services": _service,
    "configmaps": _data,
    "secrets": _data,
    "events": _event,
    "limitranges": _limit_range,
    "deployments.apps": _deployment,
    "replicasets.apps": _workload,
    "statefulsets.apps": _workload,
    "daemonsets.apps": _workload,
    "jobs.batch": _job,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
    "networkpolicies.networking.k8s.io": _network_policy,
    "poddisruptionbudgets.policy": _disruption_budget,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "customresourcedefinitions.apiextensions.k8s.io": definition_faults,
}


def _frozen(*path: str) -> Callable[[Obj, Obj], Iterator[Cause]]:
    """Nothing under a path may change."""

    def check(old: Obj, new: Obj) -> Iterator[Cause]:
        if get_path(old, *path) != get_path(new, *path):
            yield invalid_value(".".join(path), get_path(new, *path), _IMMUTABLE)

    return check


def _service_change(old: Obj, new: Obj) -> Iterator[Cause]:
    if new["spec"].get("type") == "ExternalName" or old["spec"].get("type") == "ExternalName":
        return
    before, after = old["spec"].get("clusterIP"), new["spec"].get("clusterIP")
    if before and before != after:
        yield invalid_value("spec.clusterIPs[0]", [after] if after else None, "may not change once set")


def _data_change(old: Obj, new: Obj) -> Iterator[Cause]:
    if old.get("type") != new.get("type"):
        yield invalid_value("type", new.get("type"), _IMMUTABLE)
    if old.get("immutable"):
        if not new.get("immutable"):
            yield forbidden_field("immutable", "field is immutable when `immutable` is set")
        if old.get("data") != new.get("data") or old.get("binaryData") != new.get("binaryData"):
            yield forbidden_field("data", "field is immutable when `immutable` is set")


CHANGES: Mapping[str, Callable[[Obj, Obj], Iterator[Cause]]] = {
    "pods": pod_change_faults,
    "services": _service_change,
    "configmaps": _data_change,
    "secrets": _data_change,
    "deployments.apps": _frozen("spec", "selector"),
    "replicasets.apps": _frozen("spec", "selector"),
    "daemonsets.apps": _frozen("spec", "selector"),
    "statefulsets.apps": _frozen("spec", "selector"),
    "jobs.batch": _frozen("spec", "template"),
    "endpointslices.discovery.k8s.io": _frozen("addressType"),
    "roles.rbac.authorization.k8s.io": lambda _old, _new: iter(()),
    "rolebindings.rbac.authorization.k8s.io": _frozen("roleRef"),
    "clusterrolebindings.rbac.authorization.k8s.io": _frozen("roleRef"),
    "customresourcedefinitions.apiextensions.k8s.io": definition_change_faults,
}


def namespace_faults(namespace: str) -> Iterator[Cause]:
    """What is wrong with the namespace part of an address."""
    yield from name_faults("namespaces", namespace, "metadata.namespace")


def metadata_change_faults(old: Obj, new: Obj) -> Iterator[Cause]:
    """Metadata that never changes."""
    for field in ("name", "namespace", "uid", "creationTimestamp"):
        if old["metadata"].get(field) != new["metadata"].get(field):
            yield invalid_value(f"metadata.{field}", new["metadata"].get(field), _IMMUTABLE)
    if old["metadata"].get("deletionTimestamp"):
        added = set(new["metadata"].get("finalizers") or []) - set(old["metadata"].get("finalizers") or [])
        if added:
            message = f"no new finalizers can be added if the object is being deleted, found new finalizers {sorted(added)}"
            yield forbidden_field("metadata.finalizers", message)


def describe(obj: Obj) -> str:
    """The name for messages: the object's own, or what it will be generated from."""
    return name_of(obj) or str(obj["metadata"].get("generateName", ""))
