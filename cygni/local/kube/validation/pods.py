"""The rules of pods and of the pod templates of workloads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cygni.local.kube.errors import Cause, duplicate, forbidden_field, invalid_value, not_supported, required
from cygni.local.kube.objects import Obj, deep_copy, get_path, parse_quantity
from cygni.local.kube.validation.names import label_faults, label_name_faults

_PROTOCOLS = ("SCTP", "TCP", "UDP")
_PULL = ("Always", "IfNotPresent", "Never")
_RESTART = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
_ENV_NAME = re.compile(r"[ -<>-~]+")
_PORT_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_VOLUMES = "emptyDir hostPath secret nfs persistentVolumeClaim downwardAPI configMap projected"  # the first given one counts
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc")


def pod_spec_faults(spec: Obj, path: str) -> Iterator[Cause]:
    """What is wrong with a pod's spec."""
    containers: list[Obj] = spec.get("containers") or []
    if not containers:
        yield required(f"{path}.containers")
    volumes: list[Obj] = spec.get("volumes") or []
    yield from _volume_faults(volumes, f"{path}.volumes")
    names: set[str] = set()
    for field in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(field) or []):
            here = f"{path}.{field}[{index}]"
            yield from _container_faults(container, here, {volume.get("name", "") for volume in volumes})
            if container.get("name") in names:
                yield duplicate(f"{here}.name", container["name"])
            names.add(container.get("name", ""))
    yield from one_of(spec, "restartPolicy", _RESTART, path)
    yield from one_of(spec, "dnsPolicy", _DNS, path)
    yield from at_least(spec, "terminationGracePeriodSeconds", 0, path)


def one_of(obj: Obj, field: str, words: tuple[str, ...], path: str) -> Iterator[Cause]:
    """A word that must come from a vocabulary, if it is there."""
    value = obj.get(field)
    if value is not None and value not in words:
        yield not_supported(f"{path}.{field}", value, words)


def at_least(obj: Obj, field: str, lowest: int, path: str) -> Iterator[Cause]:
    """A number that may not be below a bound, if it is there."""
    value = obj.get(field)
    if value is not None and value < lowest:
        yield invalid_value(f"{path}.{field}", value, f"must be greater than or equal to {lowest}")


def port_number_faults(value: Any, field: str) -> Iterator[Cause]:
    """A port must be a number between 1 and 65535, or a name where the field allows one."""
    if isinstance(value, str):
        if not _PORT_NAME.fullmatch(value) or len(value) > 15:
            yield invalid_value(field, value, "must be no more than 15 lower case letters, digits and hyphens")
    elif not 0 < value < 65536:
        yield invalid_value(field, value, "must be between 1 and 65535, inclusive")


def _volume_faults(volumes: list[Obj], path: str) -> Iterator[Cause]:
    seen: set[str] = set()
    for index, volume in enumerate(volumes):
        name = volume.get("name", "")
        yield from label_name_faults(name, f"{path}[{index}].name")
        if name in seen:
            yield duplicate(f"{path}[{index}].name", name)
        seen.add(name)
        sources = sorted(set(volume) - {"name"}, key=lambda kind: (kind not in _VOLUMES, _VOLUMES.find(kind)))
        for extra in sources[1:]:
            yield forbidden_field(f"{path}[{index}].{extra}", "may not specify more than 1 volume type")


def _container_faults(container: Obj, path: str, volumes: set[str]) -> Iterator[Cause]:
    yield from label_name_faults(container.get("name", ""), f"{path}.name")
    image = container.get("image", "")
    if not image:
        yield required(f"{path}.image")
    elif image != image.strip():
        yield invalid_value(f"{path}.image", image, "must not have leading or trailing whitespace")
    yield from one_of(container, "imagePullPolicy", _PULL, path)
    yield from _container_port_faults(container.get("ports") or [], f"{path}.ports")
    for index, variable in enumerate(container.get("env") or []):
        yield from _env_faults(variable, f"{path}.env[{index}]")
    for index, source in enumerate(container.get("envFrom") or []):
        if not source.get("configMapRef") and not source.get("secretRef"):
            yield invalid_value(f"{path}.envFrom[{index}]", "", "must specify one of: `configMapRef` or `secretRef`")
    yield from _mount_faults(container.get("volumeMounts") or [], f"{path}.volumeMounts", volumes)
    for name in _PROBES:
        if container.get(name) is not None:
            yield from _probe_faults(container[name], f"{path}.{name}")
    yield from _resource_faults(container.get("resources") or {}, f"{path}.resources")


def _mount_faults(mounts: list[Obj], path: str, volumes: set[str]) -> Iterator[Cause]:
    for index, mount in enumerate(mounts):
        if mount.get("name") not in volumes:
            yield Cause(f"{path}[{index}].name", f'Not found: "{mount.get("name", "")}"', "FieldValueNotFound")
        if not mount.get("mountPath"):
            yield required(f"{path}[{index}].mountPath")


def _container_port_faults(ports: list[Obj], path: str) -> Iterator[Cause]:
    names: set[str] = set()
    for index, port in enumerate(ports):
        here = f"{path}[{index}]"
        if not port.get("containerPort"):
            yield required(f"{here}.containerPort")
        else:
            yield from port_number_faults(port["containerPort"], f"{here}.containerPort")
        yield from one_of(port, "protocol", _PROTOCOLS, here)
        name = port.get("name")
        if name:
            yield from port_number_faults(name, f"{here}.name")
            if name in names:
                yield duplicate(f"{here}.name", name)
            names.add(name)


def _env_faults(variable: Obj, path: str) -> Iterator[Cause]:
    name = variable.get("name", "")
    if not name:
        yield required(f"{path}.name")
    elif not _ENV_NAME.fullmatch(name):
        yield invalid_value(
            f"{path}.name",
            name,
            "a valid environment variable name must consist only of printable ASCII characters other than '='",
        )
    if variable.get("valueFrom") and variable.get("value"):
        yield invalid_value(f"{path}.valueFrom", "", "may not be specified when `value` is not empty")


def _probe_faults(probe: Obj, path: str) -> Iterator[Cause]:
    actions = [action for action in _ACTIONS if probe.get(action) is not None]
    if not actions:
        yield required(path, "must specify a handler type")
    for extra in actions[1:]:
        yield forbidden_field(f"{path}.{extra}", "may not specify more than 1 handler type")
    for action in actions[:1]:
        if action in {"httpGet", "tcpSocket"}:
            port = probe[action].get("port")
            if port is None:
                yield required(f"{path}.{action}.port")
            else:
                yield from port_number_faults(port, f"{path}.{action}.port")
    for field, lowest in (
        ("initialDelaySeconds", 0),
        ("timeoutSeconds", 1),
        ("periodSeconds", 1),
        ("successThreshold", 1),
        ("failureThreshold", 1),
    ):
        yield from at_least(probe, field, lowest, path)


def _resource_faults(resources: Obj, path: str) -> Iterator[Cause]:
    limits: Obj = resources.get("limits") or {}
    for kind in ("limits", "requests"):
        for name, quantity in (resources.get(kind) or {}).items():
            if parse_quantity(quantity) < 0:
                yield invalid_value(f"{path}.{kind}[{name}]", quantity, "must be greater than or equal to 0")
    for name, quantity in (resources.get("requests") or {}).items():
        if name in limits and parse_quantity(quantity) > parse_quantity(limits[name]):
            yield invalid_value(f"{path}.requests", quantity, f"must be less than or equal to {name} limit of {limits[name]}")


def pod_faults(pod: Obj) -> Iterator[Cause]:
    """What is wrong with a pod."""
    yield from pod_spec_faults(pod.get("spec") or {}, "spec")


def template_faults(template: Obj, path: str, restart: tuple[str, ...] = ("Always",)) -> Iterator[Cause]:
    """What is wrong with a workload's pod template. `restart`: the restart policies that the workload allows."""
    yield from label_faults(get_path(template, "metadata", "labels"), f"{path}.labels")
    spec = template.get("spec") or {}
    yield from pod_spec_faults(spec, f"{path}.spec")
    policy = spec.get("restartPolicy")
    if policy in _RESTART and policy not in restart:
        yield not_supported(f"{path}.spec.restartPolicy", policy, restart)


def pod_change_faults(old: Obj, new: Obj) -> Iterator[Cause]:
    """What may not change in a pod's spec once it exists: nearly everything."""
    if _frozen_part(old) != _frozen_part(new):
        yield forbidden_field(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
            "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
            "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        )


def _frozen_part(pod: Obj) -> Obj:
    spec: Obj = deep_copy(pod.get("spec") or {})
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        container.pop("image", None)
        container.pop("imagePullPolicy", None)
    return {key: value for key, value in spec.items() if key not in {"activeDeadlineSeconds", "tolerations", "schedulingGates"}}
