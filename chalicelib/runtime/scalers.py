"""The objects by which a release is scaled, as Kubernetes and KEDA have them. Pure.

While a release rests, requests go from the gateway to the interceptor of KEDA's HTTP add-on, which knows the release by its
host names, holds a request until an instance is ready, and counts it for the external scaler. KEDA's own ScaledObject stays the
same one, awake or resting: only what it listens to and how far down it may go differ.
"""

from __future__ import annotations

from collections.abc import Collection

from chalicelib.platform.gateways import PRESETS, Asked
from chalicelib.projects.spec import seconds
from chalicelib.runtime.namespaces import labels_of
from chalicelib.runtime.rules import RESTING, Manifest, Target, Workload, revision, weights_route
from chalicelib.runtime.scaling import Gateway, Scaling

INTERCEPTOR = "keda-add-ons-http-interceptor-proxy"
INTERCEPTOR_PORT = 8080
SCALER_ADDRESS = "keda-add-ons-http-external-scaler.{namespace}:9090"
OWN_SCALED_OBJECT = "httpscaledobject.keda.sh/skip-scaledobject-creation"
"""Annotation that keeps the add-on from making a ScaledObject: a release has one already."""
POLICY = "cygni-allow-interceptor"
_POLL_SECONDS = 15
_HELD_SECONDS = 60
_AT_ONCE = 100  # requests that one instance is working on, where the service does not say how many a second it is to get


def scalers(workload: Workload, scaling: Scaling, *, host: str) -> tuple[Manifest, ...]:
    """What scales the release; nothing for one of a fixed size, or whose size a rollout leads."""
    if workload.led:
        return ()
    if scaling.by == "keda":
        resting = (_intercepted(workload, host),) if scaling.resting else ()
        return (_scaled_object(workload, scaling), *resting)
    return (_autoscaler(workload),) if workload.autoscaled else ()


def resting_route(target: Target, number: int, host: str, gateway: Gateway, domains: Collection[str] = ()) -> Manifest:
    """The HTTPRoute that leads all requests for a release to the interceptor."""
    route = weights_route(target, {number: 100}, host, domains=domains)
    backend = {"name": INTERCEPTOR, "namespace": gateway.keda, "port": INTERCEPTOR_PORT, "weight": 1}
    route["metadata"]["annotations"] = {RESTING: revision(number)}
    route["spec"]["rules"] = [{"backendRefs": [backend]}]
    return route


def grant_of(target: Target, gateway: Gateway) -> Manifest:
    """What lets routes of the service's namespace name the interceptor, in whose namespace it lies."""
    spec = {
        "from": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute", "namespace": target.namespace}],
        "to": [{"group": "", "kind": "Service", "name": INTERCEPTOR}],
    }
    meta = {"name": grant_name(target), "namespace": gateway.keda, "labels": labels_of(target)}
    return {"apiVersion": "gateway.networking.k8s.io/v1beta1", "kind": "ReferenceGrant", "metadata": meta, "spec": spec}


def grant_name(target: Target) -> str:
    """The grant of a namespace: those of all namespaces lie in one."""
    return f"cygni-{target.namespace}"


def policy_of(target: Target, gateway: Gateway) -> Manifest:
    """What lets the interceptor reach the namespace's pods."""
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": gateway.keda}}}
    spec = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{"from": [peer]}]}
    meta = {"name": POLICY, "namespace": target.namespace, "labels": labels_of(target)}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}


def _target(workload: Workload) -> Manifest:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.target.release(workload.number)}


def _autoscaler(workload: Workload) -> Manifest:
    scale = workload.spec.scale
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": scale.cpu_percent}}
    spec = {
        "scaleTargetRef": _target(workload),
        "minReplicas": max(1, scale.min),
        "maxReplicas": scale.max,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    return workload.manifest("autoscaling/v2", "HorizontalPodAutoscaler", spec=spec)


def _scaled_object(workload: Workload, scaling: Scaling) -> Manifest:
    scale = workload.spec.scale
    spec: Manifest = {
        "scaleTargetRef": _target(workload),
        "pollingInterval": _POLL_SECONDS,
        "minReplicaCount": 0 if scaling.resting else max(1, scale.min),
        "maxReplicaCount": scale.max,
        "triggers": _triggers(workload, scaling),
    }
    if scaling.resting:
        spec["cooldownPeriod"] = seconds(scale.idle)
    return workload.manifest("keda.sh/v1alpha1", "ScaledObject", spec=spec)


def _triggers(workload: Workload, scaling: Scaling) -> list[Manifest]:
    """Whichever asks for most instances decides. CPU use alone cannot wake what has no instance; the others can."""
    scale, name = workload.spec.scale, workload.target.release(workload.number)
    cpu = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": str(scale.cpu_percent)}}
    found: list[Manifest] = []
    rate = PRESETS[scaling.gateway.preset].rate
    if scale.requests is not None and rate is not None and scaling.gateway.counts:
        asked = {
            "serverAddress": scaling.gateway.prometheus,
            "query": rate(Asked(workload.target.namespace, name, 0.0)),
            "threshold": str(scale.requests),
        }
        found.append({"type": "prometheus", "metricType": "AverageValue", "metadata": asked})
    if scaling.resting:
        address = SCALER_ADDRESS.format(namespace=scaling.gateway.keda)
        found.append({"type": "external-push", "metadata": {"scalerAddress": address, "httpScaledObject": name}})
    return [*found, cpu] if workload.autoscaled or not found else found


def _intercepted(workload: Workload, host: str) -> Manifest:
    scale, name = workload.spec.scale, workload.target.release(workload.number)
    metric = (
        {"concurrency": {"targetValue": _AT_ONCE}}
        if scale.requests is None
        else {"requestRate": {"targetValue": scale.requests, "window": "1m", "granularity": "1s"}}
    )
    spec = {
        "hosts": [host, *sorted({*workload.spec.domains} - {host})],
        "scaleTargetRef": {**_target(workload), "service": name, "port": 80},
        "replicas": {"min": 0, "max": scale.max},
        "scaledownPeriod": seconds(scale.idle),
        "scalingMetric": metric,
        "timeouts": {"conditionWait": f"{_HELD_SECONDS}s"},
    }
    made = workload.manifest("http.keda.sh/v1alpha1", "HTTPScaledObject", spec=spec)
    made["metadata"]["annotations"] = {OWN_SCALED_OBJECT: "true"}
    return made
