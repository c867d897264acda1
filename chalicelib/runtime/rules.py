"""What a service is called in a cluster, which objects a release has, and how traffic is weighed. Pure.

1. Everything a service owns lies in one namespace, whose name comes from team, project and environment alone.
2. A release's objects carry its number in their name and label; no two releases share an object.
3. Names fit a DNS label (63 characters) whatever the parts are; a name that had to be cut ends in a hash of the whole.
4. Weights are whole percents and sum to 100.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.platform.errors import FieldError, InvalidInput
from chalicelib.platform.ids import tag_of
from chalicelib.projects.spec import Scale, ServiceSpec
from chalicelib.runtime.pins import Pinned, pinned_rule

Manifest = dict[str, Any]

GATEWAY_NAMESPACE = "cygni-system"
GATEWAY_NAME = "cygni"
SERVICE_LABEL = "cygni.dev/service"
REVISION_LABEL = "cygni.dev/revision"
INVENTORY_LABEL = "cygni.dev/inventory"
DOMAINS = "cygni.dev/domains"
"""Annotation of a release's Service: the host names of its service's own, so that whoever moves traffic finds them."""
RESTING = "cygni.dev/resting"
"""Annotation of a route that leads to whoever wakes its service: the release that all of its traffic is for."""
CONTAINER = "app"
_LABEL_MAX = 63
_RESERVED = "cygni-"


def short_hash(*parts: str, length: int) -> str:
    """The first hex digits of a hash over all parts."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:length]


@dataclass(frozen=True, slots=True)
class Target:
    """One service of one environment, as a cluster knows it. Its parts are names as `projects.spec.Name` has them."""

    team: str
    project: str
    environment: str
    service: str

    def __post_init__(self) -> None:
        """Keep Cygni's own object names apart from services'."""
        if self.service.startswith(_RESERVED):
            broken = FieldError("service", f"{self.service!r} begins with {_RESERVED!r}", "Choose another name.")
            raise InvalidInput("Names of services that begin with 'cygni-' are Cygni's own.", fields=[broken])

    @property
    def namespace(self) -> str:
        """`{project}-{environment}-{hash}`; the readable part is cut when the whole would not fit."""
        tail = short_hash(self.team, self.project, self.environment, length=6)
        head = f"{self.project}-{self.environment}"[: _LABEL_MAX - 1 - len(tail)].rstrip("-")
        return f"{head}-{tail}"

    def host(self, domain: str, *, home: str) -> str:
        """`{project}.{domain}` for `web` in `prod`, else `{service}--{environment}--{project}.{domain}`.

        Teams other than the installation's own (`home`) have their tag behind the project's name, since two teams may have
        projects of the same name. A label over 63 characters has each part cut and a hash as a fourth, so that it can be no
        other service's.
        """
        project = self.project if self.team == home else f"{self.project}-{tag_of(self.team)}"
        if (self.service, self.environment) == ("web", "prod"):
            return f"{project}.{domain}"
        parts = (self.service, self.environment, project)
        label = "--".join(parts)
        if len(label) > _LABEL_MAX:
            whole = parts if self.team == home else (*parts, self.team)
            label = "--".join([*(part[:15].rstrip("-") for part in parts), short_hash(*whole, length=8)])
        return f"{label}.{domain}"

    @property
    def inventory(self) -> str:
        """The ConfigMap that lists the service's objects."""
        return f"cygni-inventory-{self.service}"

    def release(self, number: int) -> str:
        """The name that all objects of a release have: `web-r3`."""
        return f"{self.service}-{revision(number)}"

    def labels(self, number: int | None = None) -> dict[str, str]:
        """The labels of the service's objects, or of one release's."""
        own = {
            "app.kubernetes.io/name": self.service,
            "app.kubernetes.io/part-of": self.project,
            "app.kubernetes.io/managed-by": "cygni",
            "cygni.dev/environment": self.environment,
            SERVICE_LABEL: self.service,
        }
        if number is None:
            return own
        return own | {"app.kubernetes.io/version": revision(number), REVISION_LABEL: revision(number)}

    def selector(self, number: int | None = None) -> dict[str, str]:
        """The labels by which the service's pods, or one release's, are found."""
        own = {SERVICE_LABEL: self.service}
        return own if number is None else own | {REVISION_LABEL: revision(number)}


@dataclass(frozen=True, slots=True)
class Workload:
    """One release, ready to be rendered.

    `image` is a reference by digest. `command` overrides the image's; without it `spec.start` does, if there is one.
    `config` holds the config variables in clear. `replicas` is the number of pods, held to `spec.scale` when that is a range.
    `asleep` says that one which sleeps now is not woken.
    `led`: a rollout leads its size, so that nothing else may: no autoscaler, no minimum.
    """

    target: Target
    number: int
    image: str
    command: tuple[str, ...] | None
    spec: ServiceSpec
    config: Mapping[str, str]
    replicas: int
    asleep: bool = False
    led: bool = False

    @property
    def autoscaled(self) -> bool:
        """Whether the number of pods follows CPU use."""
        return not self.led and self.spec.scale.max > max(1, self.spec.scale.min)

    @property
    def sleeps(self) -> bool:
        """Whether its last instance stops when nobody asks for it."""
        return self.spec.scale.min == 0

    def manifest(self, api_version: str, kind: str, **body: Any) -> Manifest:
        """An object of the release, by its name and with its labels."""
        target, number = self.target, self.number
        meta = {"name": target.release(number), "namespace": target.namespace, "labels": target.labels(number)}
        return {"apiVersion": api_version, "kind": kind, "metadata": meta, **body}

    def __repr__(self) -> str:
        """Without the config's values, which may be secrets."""
        return f"Workload({self.target.release(self.number)}, {self.image}, replicas={self.replicas})"


def size_of(scale: Scale, replicas: int | None) -> int | None:
    """The number of instances that is asked for; None where nobody names one, and load decides."""
    if replicas is not None:
        return replicas
    return scale.min if scale.max <= scale.min else None


def revision(number: int) -> str:
    """The label value of a release: `r3`."""
    return f"r{number}"


def release_number(value: str) -> int | None:
    """The number that `revision` wrote, or None."""
    digits = value.removeprefix("r")
    return int(digits) if value.startswith("r") and digits.isascii() and digits.isdigit() else None


def weights_route(
    target: Target,
    weights: Mapping[int, int],
    host: str,
    pinned: Pinned | None = None,
    domains: Collection[str] = (),
) -> Manifest:
    """The HTTPRoute that splits `host`, and `domains`, between releases. ValueError unless weights are 0–100 and sum to 100."""
    if any(not 0 <= weight <= 100 for weight in weights.values()) or sum(weights.values()) != 100:
        raise ValueError(f"weights must be percents that sum to 100, not {dict(weights)}")
    backends = [{"name": target.release(number), "port": 80, "weight": weights[number]} for number in sorted(weights)]
    rules: list[Manifest] = [{"backendRefs": backends}]
    if pinned is not None:
        backend = {"name": target.release(pinned.number), "port": 80, "weight": 1}
        rules.insert(0, {"matches": pinned.matches(), "backendRefs": [backend]})
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": target.service, "namespace": target.namespace, "labels": target.labels()},
        "spec": {
            "parentRefs": [{"name": GATEWAY_NAME, "namespace": GATEWAY_NAMESPACE}],
            "hostnames": [host, *sorted({*domains} - {host})],
            "rules": rules,
        },
    }


def resting_release(route: Manifest | None) -> int | None:
    """The release whose requests a route leads to whoever wakes it; None where they come straight to releases."""
    return release_number(((route or {}).get("metadata", {}).get("annotations") or {}).get(RESTING, ""))


def domains_of(service: Manifest | None) -> tuple[str, ...]:
    """The host names that a release's Service is annotated with; () for None."""
    noted = ((service or {}).get("metadata", {}).get("annotations") or {}).get(DOMAINS, "")
    return tuple(noted.split(",")) if noted else ()


def route_weights(target: Target, route: Manifest | None) -> dict[int, int]:
    """Release number → weight, as a route of `weights_route` has them; {} for None. Backends of no release are left out.

    A rule for pinned requests says nothing of the others' weights.
    """
    resting = resting_release(route)
    if resting is not None:
        return {resting: 100}
    rules = [rule for rule in ((route or {}).get("spec") or {}).get("rules") or () if not pinned_rule(rule)]
    found: dict[int, int] = {}
    for backend in (backend for rule in rules for backend in rule.get("backendRefs") or ()):
        service, _, label = str(backend.get("name")).rpartition("-")
        number = release_number(label)
        if service == target.service and number is not None:
            found[number] = found.get(number, 0) + int(backend.get("weight", 1))
    return found
