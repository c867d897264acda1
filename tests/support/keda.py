"""KEDA's definitions and the Gateway API's ReferenceGrant, as far as Cygni writes such objects, and a cluster that has them.

What stands here follows the published types (keda.sh 2.x, its HTTP add-on since 0.10): the fields and their kinds, no more.
"""

from __future__ import annotations

from typing import Any

from tests.fakes.kube import FakeCluster

Obj = dict[str, Any]
KINDS = frozenset({"ScaledObject", "HTTPScaledObject"})
_TEXT: Obj = {"type": "string"}
_NUMBER: Obj = {"type": "integer", "format": "int32"}


def _record(*required: str, **properties: Obj) -> Obj:
    return {"type": "object", "properties": properties} | ({"required": list(required)} if required else {})


def _list(item: Obj) -> Obj:
    return {"type": "array", "items": item}


def _definition(group: str, version: str, kind: str, spec: Obj) -> Obj:
    schema = {"openAPIV3Schema": _record("spec", spec=spec)}
    served = {"name": version, "served": True, "storage": True, "schema": schema}
    plural = f"{kind.lower()}s"
    names = {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()}
    # what a real API server asks of definitions in a domain of Kubernetes' own
    approved = {"api-approved.kubernetes.io": "unapproved, for tests"} if group.endswith("k8s.io") else {}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}", "annotations": approved},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [served]},
    }


_TRIGGER = _record(
    "metadata",
    "type",
    type=_TEXT,
    name=_TEXT,
    metricType=_TEXT | {"enum": ["AverageValue", "Value", "Utilization"]},
    useCachedMetrics={"type": "boolean"},
    metadata={"type": "object", "additionalProperties": _TEXT},
    authenticationRef=_record("name", name=_TEXT, kind=_TEXT),
)
_SCALED_OBJECT = _record(
    "scaleTargetRef",
    "triggers",
    scaleTargetRef=_record("name", apiVersion=_TEXT, kind=_TEXT, name=_TEXT, envSourceContainerName=_TEXT),
    pollingInterval=_NUMBER,
    cooldownPeriod=_NUMBER,
    initialCooldownPeriod=_NUMBER,
    idleReplicaCount=_NUMBER,
    minReplicaCount=_NUMBER,
    maxReplicaCount=_NUMBER,
    triggers=_list(_TRIGGER),
)
_HTTP_SCALED_OBJECT = _record(
    "scaleTargetRef",
    hosts=_list(_TEXT),
    pathPrefixes=_list(_TEXT),
    headers=_list(_record("name", name=_TEXT, value=_TEXT)),
    scaleTargetRef=_record("service", apiVersion=_TEXT, kind=_TEXT, name=_TEXT, service=_TEXT, port=_NUMBER, portName=_TEXT),
    replicas=_record(min=_NUMBER, max=_NUMBER),
    scaledownPeriod=_NUMBER,
    initialCooldownPeriod=_NUMBER,
    scalingMetric=_record(
        concurrency=_record(targetValue={"type": "integer"}),
        requestRate=_record(targetValue={"type": "integer"}, window=_TEXT, granularity=_TEXT),
    ),
    timeouts=_record(conditionWait=_TEXT, responseHeader=_TEXT),
)
_GRANT = _record(
    "from",
    "to",
    **{
        "from": _list(_record("group", "kind", "namespace", group=_TEXT, kind=_TEXT, namespace=_TEXT)),
        "to": _list(_record("group", "kind", group=_TEXT, kind=_TEXT, name=_TEXT)),
    },
)
DEFINITIONS = [
    _definition("keda.sh", "v1alpha1", "ScaledObject", _SCALED_OBJECT),
    _definition("http.keda.sh", "v1alpha1", "HTTPScaledObject", _HTTP_SCALED_OBJECT),
    _definition("gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", _GRANT),
]


def install(cluster: FakeCluster, *kinds: str) -> None:
    """Somebody installs KEDA, and its HTTP add-on unless only some kinds are named."""
    cluster.installed = frozenset(kinds) or KINDS
    cluster.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keda", "resourceVersion": "1"}})
