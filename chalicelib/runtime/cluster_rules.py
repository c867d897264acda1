"""What a registered cluster is, and what its health means. Pure.

1. Health is one total order (`Health`), and what is not known is no better than what is bad: only `healthy` and `limited`
   clusters are `usable`, and a cluster that was never checked is `unchecked`.
2. An environment is on the cluster that it was placed on. One that was placed nowhere is on the installation's own, which is
   the embedded cluster on a developer's machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.platform.gateways import PRESETS


class Provider(StrEnum):
    """Who vouches for Cygni at a cluster's API server."""

    EKS = "eks"
    GKE = "gke"
    AKS = "aks"
    TOKEN = "token"  # noqa: S105  # the name of a kind
    CERTIFICATE = "certificate"


class Health(StrEnum):
    """What the last check found, from the best to the worst."""

    HEALTHY = "healthy"
    LIMITED = "limited"
    UNCHECKED = "unchecked"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"

    @property
    def usable(self) -> bool:
        """Whether a release may be brought there."""
        return self in (Health.HEALTHY, Health.LIMITED)


@dataclass(frozen=True, slots=True)
class Right:
    """Something that Cygni does in a cluster: a verb on a resource of an API group (empty: the core)."""

    verb: str
    group: str
    resource: str

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}" + (f".{self.group}" if self.group else "")


RIGHTS = tuple(
    Right(verb, group, resource)
    for group, resource, verbs in (
        ("", "namespaces", ("get", "create", "patch", "delete")),
        ("", "secrets", ("create", "patch")),
        ("", "services", ("create", "patch", "delete")),
        ("", "pods", ("list",)),
        ("apps", "deployments", ("get", "create", "patch", "delete")),
        ("gateway.networking.k8s.io", "httproutes", ("get", "create", "patch")),
        ("networking.k8s.io", "networkpolicies", ("create", "patch")),
    )
    for verb in verbs
)
"""What a cluster is asked about: without one of these a rollout would fail half-way. Server-side apply of what is not there yet
takes `create` beside `patch`."""

KEDA_RIGHTS = tuple(
    Right(verb, group, resource)
    for group, resource, verbs in (
        ("keda.sh", "scaledobjects", ("patch", "create", "delete")),
        ("http.keda.sh", "httpscaledobjects", ("patch", "create", "delete")),
        ("gateway.networking.k8s.io", "referencegrants", ("patch", "create", "delete")),
        ("networking.k8s.io", "networkpolicies", ("get",)),
    )
    for verb in verbs
)
"""What a cluster that has KEDA is asked about besides; where it has no HTTP add-on, about the first group alone."""

OLDEST = (1, 30)
"""The oldest Kubernetes whose schemas all manifests are tested against."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a check of a cluster found out: `version` of its API, which rights are given, whether HTTPRoutes are served.

    `scaling` are the rights on what KEDA has there; {} where it is not installed.
    """

    version: tuple[int, int]
    rights: Mapping[Right, bool]
    routes: bool
    scaling: Mapping[Right, bool] = field(default_factory=dict)


def judge(found: Found) -> tuple[Health, str]:
    """The health of a cluster that answered, and a sentence that says what is to be done."""
    missing = [str(right) for right, given in found.rights.items() if not given]
    major, minor = found.version
    if missing:
        return Health.REFUSED, f"Grant Cygni's account in the cluster: {', '.join(missing)}."
    if not found.routes:
        return Health.REFUSED, "Install the Gateway API's definitions and a gateway: HTTPRoutes are not served."
    unscaled = [str(right) for right, given in found.scaling.items() if not given]
    if unscaled:
        lead = "KEDA is there, but services that scale by requests or sleep cannot be released"
        return Health.LIMITED, f"{lead}: grant Cygni's account in the cluster {', '.join(unscaled)}."
    if found.version < OLDEST:
        return Health.LIMITED, f"Kubernetes {major}.{minor} is older than {OLDEST[0]}.{OLDEST[1]}, the oldest that is tested."
    return Health.HEALTHY, f"Kubernetes {major}.{minor} answers and grants all that Cygni does."


def blind_spot(preset: str) -> str:
    """What a cluster's gateway does not measure, as a sentence to go behind its health's; "" where it measures everything."""
    if PRESETS[preset].buckets is not None:
        return ""
    return f" The metrics of {preset} do not tell how long requests take: latencyP95 is not judged there unless you set it."
