"""What the node reads of a pod, as frozen values: made from the API's JSON in one place, so that the rest knows no JSON.

Times are seconds, sizes bytes. Fields that the node cannot honour without containers (volumes, security contexts, CPU
limits) are left out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cygni.local.node import quantities

Object = dict[str, Any]
"""A Kubernetes object (or a part of one) as the API's JSON."""

RestartPolicy = Literal["Always", "OnFailure", "Never"]


@dataclass(frozen=True, slots=True)
class HttpGet:
    """GET this path; an answer from 200 to 399 is a success."""

    port: int | str
    path: str = "/"
    scheme: str = "HTTP"
    host: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """Open a connection; that it opens is the success. Also stands for a gRPC probe, of which only this much is checked."""

    port: int | str
    host: str = ""


@dataclass(frozen=True, slots=True)
class Exec:
    """Run a command beside the container; exit code 0 is the success."""

    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait (hooks only)."""

    seconds: float


Action = HttpGet | TcpSocket | Exec | Sleep


@dataclass(frozen=True, slots=True)
class Probe:
    """A question asked of a running container again and again."""

    action: Action
    period: float = 10.0
    timeout: float = 1.0
    initial_delay: float = 0.0
    failure_threshold: int = 3
    success_threshold: int = 1
    grace: float | None = None


@dataclass(frozen=True, slots=True)
class Port:
    """A port that a container declares. `fixed` is the host port when the pod insists on one."""

    name: str
    number: int
    fixed: int | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One container. `sidecar` is an init container that is not waited for."""

    name: str
    image: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    workdir: str = ""
    env: tuple[Object, ...] = ()
    env_from: tuple[Object, ...] = ()
    ports: tuple[Port, ...] = ()
    startup: Probe | None = None
    readiness: Probe | None = None
    liveness: Probe | None = None
    pre_stop: Action | None = None
    resources: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    sidecar: bool = False
    mounts: bool = False

    @property
    def memory_limit(self) -> int | None:
        """Most resident memory, in bytes, or None."""
        limit = self.resources.get("limits", {}).get("memory")
        return quantities.ceil(limit) if limit else None


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod, as the node runs it."""

    namespace: str
    name: str
    uid: str
    init: tuple[Container, ...]
    containers: tuple[Container, ...]
    restart_policy: RestartPolicy
    grace: float
    gates: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        """Where the API serves this pod."""
        return f"/api/v1/namespaces/{self.namespace}/pods/{self.name}"


def parse_pod(obj: Object) -> Pod:
    """The pod in an API object that the API server has validated."""
    meta, spec = obj["metadata"], obj["spec"]
    own_network = not spec.get("hostNetwork", False)
    return Pod(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        init=_containers(spec.get("initContainers"), own_network),
        containers=_containers(spec["containers"], own_network),
        restart_policy=spec.get("restartPolicy", "Always"),
        grace=float(spec.get("terminationGracePeriodSeconds", 30)),
        gates=tuple(gate["conditionType"] for gate in spec.get("readinessGates") or ()),
    )


def _containers(items: Iterable[Object] | None, own_network: bool) -> tuple[Container, ...]:
    return tuple(_container(item, own_network) for item in items or ())


def _container(item: Object, own_network: bool) -> Container:
    return Container(
        name=item["name"],
        image=item.get("image", ""),
        command=tuple(item.get("command") or ()),
        args=tuple(item.get("args") or ()),
        workdir=item.get("workingDir", ""),
        env=tuple(item.get("env") or ()),
        env_from=tuple(item.get("envFrom") or ()),
        ports=tuple(_port(port, own_network) for port in item.get("ports") or ()),
        startup=_probe(item.get("startupProbe")),
        readiness=_probe(item.get("readinessProbe")),
        liveness=_probe(item.get("livenessProbe")),
        pre_stop=_action((item.get("lifecycle") or {}).get("preStop")),
        resources=item.get("resources") or {},
        sidecar=item.get("restartPolicy") == "Always",
        mounts=bool(item.get("volumeMounts")),
    )


def _port(item: Object, own_network: bool) -> Port:
    number = int(item["containerPort"])
    return Port(item.get("name", ""), number, item.get("hostPort") or (None if own_network else number))


def _probe(item: Object | None) -> Probe | None:
    action = _action(item)
    if item is None or action is None:
        return None
    return Probe(
        action,
        period=float(item.get("periodSeconds") or 10),
        timeout=float(item.get("timeoutSeconds") or 1),
        initial_delay=float(item.get("initialDelaySeconds") or 0),
        failure_threshold=int(item.get("failureThreshold") or 3),
        success_threshold=int(item.get("successThreshold") or 1),
        grace=item.get("terminationGracePeriodSeconds"),
    )


def _action(item: Object | None) -> Action | None:
    """The action of a probe or a hook, or None where none is given."""
    item = item or {}
    if "httpGet" in item:
        get = item["httpGet"]
        headers = tuple((header["name"], header["value"]) for header in get.get("httpHeaders") or ())
        return HttpGet(get["port"], get.get("path") or "/", get.get("scheme") or "HTTP", get.get("host") or "", headers)
    if "tcpSocket" in item:
        return TcpSocket(item["tcpSocket"]["port"], item["tcpSocket"].get("host") or "")
    if "grpc" in item:
        return TcpSocket(item["grpc"]["port"])
    if "exec" in item:
        return Exec(tuple(item["exec"].get("command") or ()))
    if "sleep" in item:
        return Sleep(float(item["sleep"]["seconds"]))
    return None
