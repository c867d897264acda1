"""What every namespace of Cygni's holds, whichever services are in it: its bounds. Pure.

The same for all, so that two services of one namespace never write different things to one object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.runtime.rules import GATEWAY_NAMESPACE, Manifest, Target

QUOTA: Mapping[str, str] = {
    "pods": "400",
    "requests.cpu": "100",
    "requests.memory": "400Gi",
    "services": "200",
    "services.loadbalancers": "0",
    "services.nodeports": "0",
    "persistentvolumeclaims": "20",
}
"""Bounds of one project's environment: far above what twenty services use, far below what harms a cluster."""

_INSTANCE_METADATA = "169.254.0.0/16", "fd00:ec2::/32"


def namespace_objects(target: Target) -> tuple[Manifest, ...]:
    """The namespace, its quota and defaults, and its network policies, in the order in which they are created."""
    return (_namespace(target), _quota(target), _defaults(target), _deny(target), _allow(target))


def labels_of(target: Target) -> dict[str, str]:
    """The labels of what belongs to the namespace rather than to a service."""
    return {
        "app.kubernetes.io/part-of": target.project,
        "app.kubernetes.io/managed-by": "cygni",
        "cygni.dev/environment": target.environment,
    }


def _object(target: Target, api_version: str, kind: str, name: str, spec: Mapping[str, Any]) -> Manifest:
    meta = {"name": name, "namespace": target.namespace, "labels": labels_of(target)}
    return {"apiVersion": api_version, "kind": kind, "metadata": meta, "spec": dict(spec)}


def _namespace(target: Target) -> Manifest:
    security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    owner = {"cygni.dev/team": target.team, "cygni.dev/project": target.project}
    labels = labels_of(target) | owner | security
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": target.namespace, "labels": labels}}


def _quota(target: Target) -> Manifest:
    return _object(target, "v1", "ResourceQuota", "cygni", {"hard": dict(QUOTA)})


def _defaults(target: Target) -> Manifest:
    """What a container gets that says nothing, such as one that a person adds: the quota would refuse it otherwise."""
    limit = {"type": "Container", "defaultRequest": {"cpu": "100m", "memory": "128Mi"}, "default": {"memory": "256Mi"}}
    return _object(target, "v1", "LimitRange", "cygni", {"limits": [limit]})


def _deny(target: Target) -> Manifest:
    spec = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return _object(target, "networking.k8s.io/v1", "NetworkPolicy", "cygni-default-deny", spec)


def _allow(target: Target) -> Manifest:
    """In: the gateway and neighbours. Out: neighbours, name service, and the world without instance metadata.

    Other namespaces' pods have addresses of the world too; it is their own policies that turn these connections away.
    """
    neighbours: Manifest = {"podSelector": {}}
    gateway = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": GATEWAY_NAMESPACE}}}
    names = {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
        "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
    }
    four, six = _INSTANCE_METADATA
    world = [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [four]}}, {"ipBlock": {"cidr": "::/0", "except": [six]}}]
    spec = {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": [{"from": [gateway, neighbours]}],
        "egress": [{"to": [neighbours]}, names, {"to": world}],
    }
    return _object(target, "networking.k8s.io/v1", "NetworkPolicy", "cygni-allow", spec)
