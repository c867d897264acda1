"""The kinds that the server knows from the start: one row each, and what a row says about a kind."""

from __future__ import annotations

from dataclasses import dataclass, field

from cygni.local.kube.schema.tree import CRD_NAME, Schema, builtin

OBJECT_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Column:
    """A column of `kubectl get`: its title, OpenAPI type, where the value is (a JSON path), 0 = always shown."""

    name: str
    type: str
    path: str
    format: str = ""
    priority: int = 0


@dataclass(frozen=True)
class ScalePaths:
    """Where a kind keeps what its scale subresource shows; paths are dotted, such as `.spec.replicas`."""

    spec: str = ".spec.replicas"
    status: str = ".status.replicas"
    selector: str = ".spec.selector"


@dataclass(frozen=True)
class Resource:
    """A kind at one version. `columns` are only those of custom resources; the built-in ones live in `tables`."""

    group: str
    version: str
    kind: str
    plural: str
    schema: Schema
    namespaced: bool = True
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    has_status: bool = False
    scale: ScalePaths | None = None
    custom: bool = False
    columns: tuple[Column, ...] = ()
    verbs: tuple[str, ...] = OBJECT_VERBS
    extra_subresources: tuple[tuple[str, str], ...] = field(default=())

    @property
    def api_version(self) -> str:
        """`apps/v1`, or `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> str:
        """What the store files the kind under: `deployments.apps`, alike for all its versions."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def list_kind(self) -> str:
        """The kind of a list of these."""
        return f"{self.kind}List"

    @property
    def subresources(self) -> frozenset[str]:
        """Names of all paths below an object."""
        names = {name for name, _ in self.extra_subresources}
        return frozenset(names | ({"status"} if self.has_status else set()) | ({"scale"} if self.scale else set()))


def _row(
    path: str,
    kind: str,
    plural: str,
    short: str = "",
    *,
    namespaced: bool = True,
    status: bool = False,
    scale: bool = False,
    all_category: bool = False,
    extra: tuple[tuple[str, str], ...] = (),
) -> Resource:
    group, _, version = path.rpartition("/")
    area = "core" if not group else group.partition(".")[0]
    name = CRD_NAME if kind == "CustomResourceDefinition" else f"io.k8s.api.{area}.{version}.{kind}"
    return Resource(
        group=group,
        version=version,
        kind=kind,
        plural=plural,
        schema=builtin(name),
        namespaced=namespaced,
        singular=kind.lower(),
        short_names=tuple(short.split()),
        categories=("all",) if all_category else (),
        has_status=status,
        scale=ScalePaths() if scale else None,
        extra_subresources=extra,
    )


POD_EXTRA = (("binding", "Binding"), ("eviction", "Eviction"), ("log", "Pod"))

BUILTIN: tuple[Resource, ...] = (
    _row("v1", "Namespace", "namespaces", "ns", namespaced=False, status=True, extra=(("finalize", "Namespace"),)),
    _row("v1", "Node", "nodes", "no", namespaced=False, status=True),
    _row("v1", "Pod", "pods", "po", status=True, all_category=True, extra=POD_EXTRA),
    _row("v1", "Service", "services", "svc", status=True, all_category=True),
    _row("v1", "Endpoints", "endpoints", "ep"),
    _row("v1", "ConfigMap", "configmaps", "cm"),
    _row("v1", "Secret", "secrets"),
    _row("v1", "Event", "events", "ev"),
    _row("v1", "ServiceAccount", "serviceaccounts", "sa"),
    _row("v1", "ResourceQuota", "resourcequotas", "quota", status=True),
    _row("v1", "LimitRange", "limitranges", "limits"),
    _row("v1", "PersistentVolumeClaim", "persistentvolumeclaims", "pvc", status=True),
    _row("apps/v1", "Deployment", "deployments", "deploy", status=True, scale=True, all_category=True),
    _row("apps/v1", "ReplicaSet", "replicasets", "rs", status=True, scale=True, all_category=True),
    _row("apps/v1", "StatefulSet", "statefulsets", "sts", status=True, scale=True, all_category=True),
    _row("apps/v1", "DaemonSet", "daemonsets", "ds", status=True, all_category=True),
    _row("batch/v1", "Job", "jobs", status=True, all_category=True),
    _row("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", "hpa", status=True, all_category=True),
    _row("discovery.k8s.io/v1", "EndpointSlice", "endpointslices"),
    _row("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies", "netpol"),
    _row("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", "pdb", status=True),
    _row("coordination.k8s.io/v1", "Lease", "leases"),
    _row("rbac.authorization.k8s.io/v1", "Role", "roles"),
    _row("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings"),
    _row("rbac.authorization.k8s.io/v1", "ClusterRole", "clusterroles", namespaced=False),
    _row("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", "clusterrolebindings", namespaced=False),
    _row("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", "crd crds",
         namespaced=False, status=True),
)  # fmt: skip
