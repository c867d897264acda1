"""What the server fills in where an object is silent, per kind. Defaults change the object in place and never overwrite.

Custom resources take theirs from their schema (`default`), see `fill_from_schema`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from typing import Any

from cygni.local.kube.objects import Obj, deep_copy, get_path
from cygni.local.kube.schema.tree import Schema

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def fill_from_schema(value: Any, schema: Schema) -> None:
    """Fill in a structural schema's defaults, at every depth that exists (or comes to exist by a default)."""
    if isinstance(value, dict):
        for name, child in schema.properties.items():
            if "default" in child.raw and (name not in value or (value[name] is None and not child.raw.get("nullable"))):
                value[name] = deep_copy(child.raw["default"])
        for name, child_value in value.items():
            child_schema = schema.field(name)
            if child_schema is not None:
                fill_from_schema(child_value, child_schema)
    elif isinstance(value, list) and schema.items is not None:
        for item in value:
            fill_from_schema(item, schema.items)


def _fill(target: Obj, **defaults: Any) -> None:
    for key, value in defaults.items():
        if target.get(key) is None:
            target[key] = deep_copy(value)


def _probe(probe: Obj) -> None:
    _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
    if "httpGet" in probe:
        _fill(probe["httpGet"], path="/", scheme="HTTP")


def _image_policy(image: str) -> str:
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in {"", "latest"} else "IfNotPresent"


def _container(container: Obj) -> None:
    _fill(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File", resources={})
    _fill(container, imagePullPolicy=_image_policy(container.get("image") or ""))
    for port in container.get("ports") or []:
        _fill(port, protocol="TCP")
    for name in _PROBES:
        if container.get(name):
            _probe(container[name])
    for hook in (container.get("lifecycle") or {}).values():
        if isinstance(hook, dict) and "httpGet" in hook:
            _fill(hook["httpGet"], path="/", scheme="HTTP")
    for variable in container.get("env") or []:
        field = get_path(variable, "valueFrom", "fieldRef")
        if field:
            _fill(field, apiVersion="v1")


def _volume(volume: Obj) -> None:
    for kind in ("secret", "configMap", "downwardAPI", "projected"):
        if isinstance(volume.get(kind), dict):
            _fill(volume[kind], defaultMode=420)
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}


def pod_spec(spec: Obj) -> None:
    """Defaults of a pod's spec, also inside a template."""
    _fill(
        spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst", securityContext={},
        schedulerName="default-scheduler",
    )  # fmt: skip
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        _fill(spec, serviceAccountName=account, serviceAccount=account)
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        _container(container)
    for volume in spec.get("volumes") or []:
        _volume(volume)


def _pod(obj: Obj) -> None:
    spec = obj.setdefault("spec", {})
    pod_spec(spec)
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        limits = get_path(container, "resources", "limits", default={})
        if limits:
            container["resources"]["requests"] = {**limits, **(container["resources"].get("requests") or {})}
    account = spec.get("serviceAccountName") or "default"
    _fill(spec, enableServiceLinks=True, serviceAccountName=account, serviceAccount=account)


def _template(obj: Obj) -> Obj:
    spec: Obj = obj.setdefault("spec", {})
    template = spec.get("template")
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        if isinstance(template.get("spec"), dict):
            pod_spec(template["spec"])
    return spec


def _rolling(spec: Obj) -> None:
    _fill(spec, strategy={})
    strategy = spec["strategy"]
    _fill(strategy, type="RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        _fill(strategy, rollingUpdate={})
        _fill(strategy["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")


def _deployment(obj: Obj) -> None:
    spec = _template(obj)
    _fill(spec, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)
    _rolling(spec)


def _replica_set(obj: Obj) -> None:
    _fill(_template(obj), replicas=1)


def _stateful_set(obj: Obj) -> None:
    spec = _template(obj)
    _fill(spec, replicas=1, revisionHistoryLimit=10, podManagementPolicy="OrderedReady")
    _fill(spec, updateStrategy={"type": "RollingUpdate", "rollingUpdate": {"partition": 0}})
    _fill(spec, persistentVolumeClaimRetentionPolicy={"whenDeleted": "Retain", "whenScaled": "Retain"})


def _daemon_set(obj: Obj) -> None:
    update = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}
    _fill(_template(obj), revisionHistoryLimit=10, updateStrategy=update)


def _job(obj: Obj) -> None:
    spec = _template(obj)
    _fill(spec, completions=1, parallelism=1, backoffLimit=6, completionMode="NonIndexed", suspend=False)
    _fill(spec, podReplacementPolicy="TerminatingOrFailed")


def _service(obj: Obj) -> None:
    spec = obj.setdefault("spec", {})
    _fill(spec, type="ClusterIP", sessionAffinity="None")
    if spec["type"] == "ExternalName":
        return
    _fill(spec, internalTrafficPolicy="Cluster")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        _fill(spec, externalTrafficPolicy="Cluster")
    for port in spec.get("ports") or []:
        _fill(port, protocol="TCP", targetPort=port.get("port"))


def _secret(obj: Obj) -> None:
    _fill(obj, type="Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def _autoscaler(obj: Obj) -> None:
    spec = obj.setdefault("spec", {})
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}
    _fill(spec, minReplicas=1, metrics=[cpu])


def _network_policy(obj: Obj) -> None:
    spec = obj.setdefault("spec", {})
    if spec.get("policyTypes") is None:
        spec["policyTypes"] = ["Ingress"] + (["Egress"] if spec.get("egress") else [])
    for rule in [*(spec.get("ingress") or []), *(spec.get("egress") or [])]:
        for port in rule.get("ports") or []:
            _fill(port, protocol="TCP")


def _claim(obj: Obj) -> None:
    _fill(obj.setdefault("spec", {}), volumeMode="Filesystem")


def _namespace(obj: Obj) -> None:
    name = obj["metadata"].get("name")
    obj.setdefault("spec", {})
    if name:
        labels = obj["metadata"].setdefault("labels", {}) or {}
        obj["metadata"]["labels"] = {**labels, "kubernetes.io/metadata.name": name}


def _limit_range(obj: Obj) -> None:
    for limit in get_path(obj, "spec", "limits", default=[]):
        if limit.get("type") == "Container" and limit.get("max"):
            limit["default"] = {**limit["max"], **(limit.get("default") or {})}
        if limit.get("type") == "Container" and limit.get("default"):
            limit["defaultRequest"] = {**limit["default"], **(limit.get("defaultRequest") or {})}


def _endpoint_slice(obj: Obj) -> None:
    for port in obj.get("ports") or []:
        _fill(port, name="", protocol="TCP")


def _definition(obj: Obj) -> None:
    spec = obj.setdefault("spec", {})
    names = spec.setdefault("names", {})
    if names.get("kind"):
        _fill(names, singular=names["kind"].lower(), listKind=names["kind"] + "List")
    _fill(spec, conversion={"strategy": "None"})


def _event(obj: Obj) -> None:
    _fill(obj, source={}, reportingComponent="", reportingInstance="")
    for key in ("firstTimestamp", "lastTimestamp", "eventTime"):
        obj.setdefault(key, None)


_DEFAULTS: Mapping[str, Callable[[Obj], None]] = {
    "pods": _pod,
    "services": _service,
    "secrets": _secret,
    "namespaces": _namespace,
    "limitranges": _limit_range,
    "persistentvolumeclaims": _claim,
    "events": _event,
    "deployments.apps": _deployment,
    "replicasets.apps": _replica_set,
    "statefulsets.apps": _stateful_set,
    "daemonsets.apps": _daemon_set,
    "jobs.batch": _job,
    "horizontalpodautoscalers.autoscaling": _autoscaler,
    "networkpolicies.networking.k8s.io": _network_policy,
    "endpointslices.discovery.k8s.io": _endpoint_slice,
    "customresourcedefinitions.apiextensions.k8s.io": _definition,
}


def set_defaults(key: str, obj: Obj) -> None:
    """Fill in a built-in kind's defaults. Objects of wrong types must have been refused before."""
    fill = _DEFAULTS.get(key)
    if fill:
        fill(obj)
