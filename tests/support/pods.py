"""Pods for tests of the Pod Security Standards: one that meets the restricted profile, and one for each way to break it."""

from __future__ import annotations

import copy
from typing import Any

Obj = dict[str, Any]
_PROFILE = {"type": "RuntimeDefault"}
_CONTAINER: Obj = {
    "name": "app",
    "image": "registry.example/app:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}
GOOD: Obj = {
    "metadata": {"name": "subject"},
    "spec": {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": _PROFILE},
        "containers": [_CONTAINER],
        "initContainers": [{**_CONTAINER, "name": "before"}],
        "volumes": [{"name": "tmp", "emptyDir": {}}],
    },
}
_FIRST = "spec.containers.0.securityContext"

BREACHES: dict[str, dict[str, Any]] = {
    "HostProcess": {"spec.securityContext.windowsOptions": {"hostProcess": True}, "spec.hostNetwork": True},
    "Host Namespaces": {"spec.hostPID": True},
    "Privileged Containers": {"spec.initContainers.0.securityContext": {"privileged": True, "capabilities": {"drop": ["ALL"]}}},
    "Host Ports": {"spec.containers.0.ports": [{"containerPort": 80, "hostPort": 80}]},
    "Host Probes / Lifecycle Hooks": {
        "spec.containers.0.livenessProbe": {"httpGet": {"port": 80, "host": "192.0.2.1", "path": "/"}}
    },
    "AppArmor": {f"{_FIRST}.appArmorProfile": {"type": "Unconfined"}},
    "SELinux": {"spec.securityContext.seLinuxOptions": {"type": "spc_t"}},
    "/proc Mount Type": {f"{_FIRST}.procMount": "Unmasked", "spec.hostUsers": False},
    "Sysctls": {"spec.securityContext.sysctls": [{"name": "kernel.msgmax", "value": "65536"}]},
    "Volume Types": {"spec.volumes.0": {"name": "tmp", "hostPath": {"path": "/"}}},
    "Privilege Escalation": {f"{_FIRST}.allowPrivilegeEscalation": None},
    "Running as Non-root": {"spec.securityContext.runAsNonRoot": None},
    "Running as Non-root user": {f"{_FIRST}.runAsUser": 0},
    "Seccomp": {"spec.securityContext.seccompProfile": None},
    "Capabilities": {f"{_FIRST}.capabilities": {"drop": ["ALL"], "add": ["SYS_TIME"]}},
}
"""The standard's name of a rule → the fields that break it, with their values (None: the field is not there)."""
IMPLIED = {"HostProcess": {"Host Namespaces"}, "Privileged Containers": {"Privilege Escalation"}}
"""Rules that cannot be broken alone: the API server takes no such pod."""


def breach(rule: str) -> Obj:
    """A pod that breaks this rule, and those that it implies."""
    pod = copy.deepcopy(GOOD)
    for path, value in BREACHES[rule].items():
        *parents, last = path.split(".")
        at: Any = pod
        for each in parents:
            at = at[int(each)] if each.isdigit() else at.setdefault(each, {})
        if value is None:
            del at[last]
        else:
            at[int(last) if last.isdigit() else last] = value
    return pod
