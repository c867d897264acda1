"""A release as Kubernetes objects. Pure: the same workload renders the same objects, whatever else is in the cluster.

Rendering one release names no other release, so that applying it cannot touch the stable one.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping

from chalicelib.platform.errors import FieldError, InvalidInput
from chalicelib.projects.spec import seconds
from chalicelib.runtime.namespaces import namespace_objects
from chalicelib.runtime.rules import CONTAINER, DOMAINS, Manifest, Workload, weights_route
from chalicelib.runtime.scalers import policy_of, resting_route, scalers
from chalicelib.runtime.scaling import Scaling

USER = 10_001
STOP_SECONDS = 30
DRAIN_SECONDS = 5
OLDEST_API = (1, 25)
IDLE_SECONDS = "cygni.dev/idle-seconds"
"""On a release's Service: the Deployment of the same name may go without pods after so many seconds without a request."""
_SLEEP_API = (1, 30)  # the first whose `sleep` hook is on by default; an `exec` hook would need a shell in the image
_DAY = 86_400
_OBJECT_BYTES = 1_000_000  # the API server takes 1 MiB, its own fields included
_BY_DIGEST = re.compile(r"^[a-zA-Z0-9.-]+(:[0-9]+)?(/[a-z0-9._-]+)+@sha256:[0-9a-f]{64}$")
_ONE_COMMAND = re.compile(r"^(?!(exec|eval|source|\.) )[\w./-]+( [^;&|\n]*)?$")


def render(
    workload: Workload, *, host: str, api: tuple[int, int] = OLDEST_API, scaling: Scaling | None = None
) -> tuple[Manifest, ...]:
    """All objects of a service with this one release: its namespace's, the release's, and the route with it at 100.

    `scaling` says how it is scaled; by CPU use without it.

    `api` is the cluster's version; fields that are newer than it are left out. ValueError when the image is not named by
    digest or a number is out of range; InvalidInput when the variables are larger than a Kubernetes object may be.
    """
    if not _BY_DIGEST.match(workload.image):
        raise ValueError(f"an image is named by digest (registry/path@sha256:…), not {workload.image!r}")
    if workload.number < 1 or workload.replicas < 0:
        raise ValueError(f"release {workload.number} with {workload.replicas} pods cannot be")
    _refuse_oversize("env", workload.spec.env)
    _refuse_oversize("config", workload.config)
    scaling = scaling or Scaling()
    target, domains = workload.target, workload.spec.domains
    route = weights_route(target, {workload.number: 100}, host, domains=domains)
    if scaling.resting:
        route = resting_route(target, workload.number, host, scaling.gateway, domains)
    return (
        *namespace_objects(target),
        *((policy_of(target, scaling.gateway),) if scaling.resting else ()),
        _environment(workload),
        _secret(workload),
        _service(workload),
        deployment_of(workload, api=api),
        *scalers(workload, scaling, host=host),
        route,
    )


def pods_wanted(workload: Workload) -> int:
    """The pods a new Deployment starts with: `replicas`, within `spec.scale` when that is a range.

    One that sleeps is woken, unless it is to be left `asleep`. Whose size is led from outside has exactly `replicas`.
    """
    if workload.led:
        return workload.replicas
    scale, least = workload.spec.scale, 1 if workload.sleeps and not workload.asleep else 0
    wanted = max(workload.replicas, least)
    return min(max(wanted, scale.min), scale.max) if workload.autoscaled else wanted


def command_of(workload: Workload) -> list[str] | None:
    """What the container runs instead of the image's own command, or None.

    A `start` that is one command replaces its shell, so that it is the process that a stop signal reaches.
    """
    if workload.command is not None:
        return list(workload.command)
    start = workload.spec.start
    if start is None:
        return None
    return ["sh", "-c", f"exec {start}" if _ONE_COMMAND.match(start) else start]


def _refuse_oversize(field: str, variables: Mapping[str, str]) -> None:
    size = sum(len(name) + len(value.encode()) for name, value in variables.items())
    if size > _OBJECT_BYTES:
        broken = FieldError(field, f"{size} bytes in all; {_OBJECT_BYTES} fit", "Keep large values in a file or a store.")
        raise InvalidInput(f"The variables in {field} are too large together.", fields=[broken])


def _environment(workload: Workload) -> Manifest:
    return workload.manifest("v1", "ConfigMap", data=dict(workload.spec.env))


def _secret(workload: Workload) -> Manifest:
    # `data`, since server-side apply cannot take a key out again that it put in through `stringData`
    data = {name: base64.b64encode(value.encode()).decode() for name, value in workload.config.items()}
    return workload.manifest("v1", "Secret", type="Opaque", data=data)


def _service(workload: Workload) -> Manifest:
    spec = {
        "type": "ClusterIP",
        "selector": workload.target.selector(workload.number),
        "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
    }
    made, notes = workload.manifest("v1", "Service", spec=spec), {}
    if workload.sleeps:  # what holds requests reads how long to wait; where nothing does, one pod stays
        notes[IDLE_SECONDS] = str(seconds(workload.spec.scale.idle))
    if workload.spec.domains:
        notes[DOMAINS] = ",".join(workload.spec.domains)
    if notes:
        made["metadata"]["annotations"] = notes
    return made


def deployment_of(workload: Workload, *, api: tuple[int, int] = OLDEST_API) -> Manifest:
    """The release's Deployment alone."""
    target, number = workload.target, workload.number
    surge, unavailable = workload.spec.rollout.replacing
    spec = {
        "replicas": pods_wanted(workload),
        "revisionHistoryLimit": 1,
        "progressDeadlineSeconds": min(seconds(workload.spec.health.deadline), _DAY),
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": unavailable, "maxSurge": surge}},
        "selector": {"matchLabels": target.selector(number)},
        "template": {"metadata": {"labels": target.labels(number)}, "spec": _pod(workload, api)},
    }
    return workload.manifest("apps/v1", "Deployment", spec=spec)


def _pod(workload: Workload, api: tuple[int, int]) -> Manifest:
    same = {"matchLabels": workload.target.selector(workload.number)}
    spread = [
        {"maxSkew": 1, "topologyKey": key, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": same}
        for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
    ]
    return {
        "automountServiceAccountToken": False,  # an application has no business with the cluster's API
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": STOP_SECONDS,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "topologySpreadConstraints": spread,
        "containers": [_container(workload, api)],
        "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}}],
    }


def _container(workload: Workload, api: tuple[int, int]) -> Manifest:
    spec, name = workload.spec, workload.target.release(workload.number)
    command = command_of(workload)
    # A pod goes on being sent requests for a moment after it was told to stop: it sleeps through that moment.
    drain = {"lifecycle": {"preStop": {"sleep": {"seconds": DRAIN_SECONDS}}}} if api >= _SLEEP_API else {}
    return {
        "name": CONTAINER,
        "image": workload.image,
        "imagePullPolicy": "IfNotPresent",
        **({} if command is None else {"command": command}),
        "ports": [{"name": "http", "containerPort": spec.port, "protocol": "TCP"}],
        "env": [{"name": "PORT", "value": str(spec.port)}],
        # of two with the same name the later counts: config variables override the app file's
        "envFrom": [{"configMapRef": {"name": name}}, {"secretRef": {"name": name}}],
        # CPU is asked for but not capped: a cap throttles within each tenth of a second and shows as latency
        "resources": {
            "requests": {"cpu": spec.resources.cpu, "memory": spec.resources.memory},
            "limits": {"memory": spec.resources.memory},
        },
        **_probes(workload),
        **drain,
        "terminationMessagePolicy": "FallbackToLogsOnError",
        # what runs is what was built and scanned; an application writes to /tmp
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - a path inside the container
    }


def _probes(workload: Workload) -> dict[str, Manifest]:
    """Started when the port opens, ready when the path answers, alive while the port does.

    The first may take until the deadline, so that a slow start is not taken for a hung process and killed.
    """
    health = workload.spec.health
    period, timeout = (min(seconds(each), _DAY) for each in (health.interval, health.timeout))
    opens = {"tcpSocket": {"port": "http"}, "timeoutSeconds": timeout}
    return {
        "startupProbe": opens | {"periodSeconds": 1, "failureThreshold": min(seconds(health.deadline), _DAY)},
        "readinessProbe": {
            "httpGet": {"path": health.path, "port": "http"},
            "periodSeconds": period,
            "timeoutSeconds": timeout,
            "failureThreshold": 3,
        },
        "livenessProbe": opens | {"periodSeconds": 10, "failureThreshold": 3},
    }
