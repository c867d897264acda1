"""The *restricted* profile of the Pod Security Standards, as Kubernetes publishes it, for pods that run on Linux.

Each rule takes a pod's spec and metadata and yields the fields that break it; a rule's docstring is the standard's own name
for it. The standard is that of Kubernetes 1.34; older ones ask for less. It is written apart from what renders the pods, and
`tests/cluster/test_pod_security.py` holds it against the admission of a real API server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Obj = dict[str, Any]
CONTAINERS = ("containers", "initContainers", "ephemeralContainers")
VOLUMES = frozenset(
    {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
)
SELINUX_TYPES = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
SYSCTLS = frozenset({
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_local_reserved_ports", "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
})  # fmt: skip
APPARMOR = "container.apparmor.security.beta.kubernetes.io/"
Rule = Callable[[Obj, Obj], Iterator[str]]


def violations(template: Obj) -> list[str]:
    """`{rule}: {field}` for all that a pod, or a pod template, breaks; nothing when it meets the profile."""
    spec, meta = template["spec"], template.get("metadata") or {}
    return [f"{rule.__doc__}: {where}" for rule in RULES for where in rule(spec, meta)]


def _containers(spec: Obj) -> Iterator[tuple[str, Obj]]:
    for group in CONTAINERS:
        for each in spec.get(group) or []:
            yield f"{group}[{each['name']}]", each


def _contexts(spec: Obj) -> Iterator[tuple[str, Obj]]:
    """Every security context, the pod's own first; those that are not there are empty."""
    yield "securityContext", spec.get("securityContext") or {}
    for where, each in _containers(spec):
        yield f"{where}.securityContext", each.get("securityContext") or {}


def host_process(spec: Obj, _: Obj) -> Iterator[str]:
    """HostProcess"""
    for where, context in _contexts(spec):
        if (context.get("windowsOptions") or {}).get("hostProcess"):
            yield f"{where}.windowsOptions.hostProcess"


def host_namespaces(spec: Obj, _: Obj) -> Iterator[str]:
    """Host Namespaces"""
    yield from (name for name in ("hostNetwork", "hostPID", "hostIPC") if spec.get(name))


def privileged(spec: Obj, _: Obj) -> Iterator[str]:
    """Privileged Containers"""
    yield from (f"{where}.privileged" for where, context in _contexts(spec) if context.get("privileged"))


def host_ports(spec: Obj, _: Obj) -> Iterator[str]:
    """Host Ports"""
    for where, each in _containers(spec):
        yield from (f"{where}.ports.hostPort" for port in each.get("ports") or [] if port.get("hostPort"))


def host_probes(spec: Obj, _: Obj) -> Iterator[str]:
    """Host Probes / Lifecycle Hooks"""
    for where, each in _containers(spec):
        asked = {name: each.get(name) or {} for name in ("livenessProbe", "readinessProbe", "startupProbe")}
        asked |= {f"lifecycle.{name}": hook or {} for name, hook in (each.get("lifecycle") or {}).items()}
        for name, handler in asked.items():
            for kind in ("httpGet", "tcpSocket"):
                if (handler.get(kind) or {}).get("host"):
                    yield f"{where}.{name}.{kind}.host"


def apparmor(spec: Obj, meta: Obj) -> Iterator[str]:
    """AppArmor"""
    for where, context in _contexts(spec):
        if (context.get("appArmorProfile") or {"type": "RuntimeDefault"}).get("type") not in ("RuntimeDefault", "Localhost"):
            yield f"{where}.appArmorProfile.type"
    for name, value in (meta.get("annotations") or {}).items():
        if name.startswith(APPARMOR) and value not in ("", "runtime/default") and not value.startswith("localhost/"):
            yield f"metadata.annotations[{name}]"


def selinux(spec: Obj, _: Obj) -> Iterator[str]:
    """SELinux"""
    for where, context in _contexts(spec):
        options = context.get("seLinuxOptions") or {}
        if options.get("type", "") not in SELINUX_TYPES:
            yield f"{where}.seLinuxOptions.type"
        yield from (f"{where}.seLinuxOptions.{name}" for name in ("user", "role") if options.get(name))


def proc_mount(spec: Obj, _: Obj) -> Iterator[str]:
    """/proc Mount Type"""
    yield from (f"{where}.procMount" for where, context in _contexts(spec) if context.get("procMount", "Default") != "Default")


def sysctls(spec: Obj, _: Obj) -> Iterator[str]:
    """Sysctls"""
    asked = (spec.get("securityContext") or {}).get("sysctls") or []
    yield from (f"securityContext.sysctls[{each['name']}]" for each in asked if each["name"] not in SYSCTLS)


def volumes(spec: Obj, _: Obj) -> Iterator[str]:
    """Volume Types"""
    for each in spec.get("volumes") or []:
        kinds = set(each) - {"name"}
        yield from (f"volumes[{each['name']}].{kind}" for kind in sorted(kinds - VOLUMES))


def privilege_escalation(spec: Obj, _: Obj) -> Iterator[str]:
    """Privilege Escalation"""
    for where, each in _containers(spec):
        if (each.get("securityContext") or {}).get("allowPrivilegeEscalation") is not False:
            yield f"{where}.securityContext.allowPrivilegeEscalation"


def non_root(spec: Obj, _: Obj) -> Iterator[str]:
    """Running as Non-root"""
    of_pod = (spec.get("securityContext") or {}).get("runAsNonRoot")
    for where, each in _containers(spec):
        if (each.get("securityContext") or {}).get("runAsNonRoot", of_pod) is not True:
            yield f"{where}.securityContext.runAsNonRoot"


def non_root_user(spec: Obj, _: Obj) -> Iterator[str]:
    """Running as Non-root user"""
    yield from (f"{where}.runAsUser" for where, context in _contexts(spec) if context.get("runAsUser") == 0)


def seccomp(spec: Obj, _: Obj) -> Iterator[str]:
    """Seccomp"""
    allowed = ("RuntimeDefault", "Localhost")
    of_pod = (spec.get("securityContext") or {}).get("seccompProfile") or {}
    if of_pod and of_pod.get("type") not in allowed:
        yield "securityContext.seccompProfile.type"
    for where, each in _containers(spec):
        own = (each.get("securityContext") or {}).get("seccompProfile") or of_pod
        if own.get("type") not in allowed:
            yield f"{where}.securityContext.seccompProfile.type"


def capabilities(spec: Obj, _: Obj) -> Iterator[str]:
    """Capabilities"""
    for where, each in _containers(spec):
        held = (each.get("securityContext") or {}).get("capabilities") or {}
        if "ALL" not in (held.get("drop") or []):
            yield f"{where}.securityContext.capabilities.drop"
        if set(held.get("add") or []) - {"NET_BIND_SERVICE"}:
            yield f"{where}.securityContext.capabilities.add"


RULES: tuple[Rule, ...] = (
    host_process, host_namespaces, privileged, host_ports, host_probes, apparmor, selinux, proc_mount, sysctls, volumes,
    privilege_escalation, non_root, non_root_user, seccomp, capabilities,
)  # fmt: skip
