"""What a CygniService asks for, in Cygni's words, and where it belongs. Pure.

1. A namespace belongs to a team, project and environment only if it says so by its labels and has the name that `Target`
   gives to them; nobody gets into another's by a label.
2. The same spec has the same digest, in whatever order its fields stand; a default that is written out changes nothing.
3. The number of instances is no part of the digest: another number is no other release.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from chalicelib.platform.kubeport import Json
from chalicelib.projects.rollout_spec import IN_VAIN, WITHOUT_GATES
from chalicelib.projects.spec import ServiceSpec
from chalicelib.runtime.rules import Target, size_of

FINALIZER = "cygni.dev/service"
"""Holds a CygniService that is deleted until what it made is removed."""
RETRY = "cygni.dev/retry"
"""The annotation that starts the same spec again after it was rolled back or aborted: a new value each time."""
_SECRETS = "secrets://"


@dataclass(frozen=True, slots=True)
class Problem:
    """Why an object cannot be rolled out: a reason in one word, and what to do about it."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to run. `with_config` says whether it gets the config variables that Cygni keeps for it.

    `replicas` is the number of instances that the object names, None when it names none.
    """

    image: str
    command: tuple[str, ...] | None
    spec: ServiceSpec
    with_config: bool
    replicas: int | None = None

    @property
    def size(self) -> int | None:
        """The number of instances that is asked for; None where load decides."""
        return size_of(self.spec.scale, self.replicas)

    @property
    def digest(self) -> str:
        """A hash of what makes a release: all of it but the number of instances."""
        said = self.spec.model_dump(mode="json", by_alias=True)
        if self.spec.scale.requests is None:  # the field is newer than digests that are kept
            del said["scale"]["requests"]
        parts = [self.image, self.command, said, self.with_config]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def retry_of(obj: Json) -> str:
    """What stands for the value of an object's retry annotation; "" without one."""
    value = (obj["metadata"].get("annotations") or {}).get(RETRY, "")
    return hashlib.sha256(value.encode()).hexdigest()[:16] if value else ""


def place_of(name: str, namespace: Json | None) -> Target | Problem:
    """The service that an object of this name is, in the namespace as the cluster has it."""
    meta: Json = (namespace or {}).get("metadata", {})
    labels = meta.get("labels") or {}
    team, project, environment = (labels.get(f"cygni.dev/{part}", "") for part in ("team", "project", "environment"))
    if not (team and project and environment):
        return Problem(
            "UnknownNamespace",
            "The namespace does not say whose it is: label it with cygni.dev/team, cygni.dev/project and "
            "cygni.dev/environment, or apply this object in the namespace of its environment.",
        )
    target = Target(team, project, environment, name)
    if target.namespace != meta.get("name"):
        return Problem(
            "UnknownNamespace",
            f"Environment {environment} of project {project} has the namespace {target.namespace}: "
            "apply this object there, and create that namespace with these labels if it is not there yet.",
        )
    return target


def wanted(obj: Json, target: Target) -> Wanted | Problem:
    """What the object asks for. What its definition admits and Cygni does not take is a Problem."""
    spec: Json = obj.get("spec") or {}
    own = f"{_SECRETS}{target.environment}/{target.service}"
    foreign = [each for each in spec.get("envFrom") or () if each != own]
    if foreign:
        return Problem("ForeignSecrets", f"{foreign[0]} is not this service's own: write {own}.")
    try:
        taken = ServiceSpec.model_validate(_fields(spec), by_alias=True, by_name=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        return Problem("InvalidSpec", f"{where}: {first['msg']}")
    if taken.rollout.gates_in_vain:
        return Problem("InvalidSpec", f"healthGates {IN_VAIN}. {WITHOUT_GATES}")
    replicas = spec.get("replicas")
    if replicas is not None and taken.scale.max > taken.scale.min and not taken.scale.min <= replicas <= taken.scale.max:
        told = f"replicas: {replicas} is outside of autoscale, {taken.scale.min} to {taken.scale.max}: change one of them."
        return Problem("InvalidSpec", told)
    command = spec.get("command")
    return Wanted(str(spec.get("image", "")), tuple(command) if command else None, taken, bool(spec.get("envFrom")), replicas)


def _fields(spec: Json) -> dict[str, Any]:
    """The fields of an app file's service that say the same."""
    made: dict[str, Any] = {name: spec[name] for name in ("env", "health", "resources", "domains") if name in spec}
    if spec.get("ports"):
        made["port"] = spec["ports"][0]["port"]
    scale = dict(spec.get("autoscale") or {})
    if "cpu" in scale:
        scale["cpuPercent"] = scale.pop("cpu")
    rollout = dict(spec.get("rollout") or {})
    if "healthGates" in spec:
        rollout["gates"] = spec["healthGates"]
    return made | {"scale": scale, "rollout": rollout}
