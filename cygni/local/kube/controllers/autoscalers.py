"""HorizontalPodAutoscalers on CPU. A pod's use is what its node publishes in the annotation `cygni.dev/cpu-millicores`."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from cygni.local.kube.controllers.base import MANAGER, Base, set_condition
from cygni.local.kube.objects import (
    Obj,
    deep_copy,
    get_path,
    is_deleting,
    is_pod_ready,
    name_of,
    namespace_of,
    now,
    parse_quantity,
)
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.selectors import parse_labels
from cygni.local.kube.storage.store import Change, Key
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.options import WriteOptions
from cygni.local.kube.verbs.scaling import from_scale, to_scale

AUTOSCALERS = "horizontalpodautoscalers.autoscaling"
USE_ANNOTATION = "cygni.dev/cpu-millicores"
PERIOD_SECONDS = 15.0
_TOLERANCE = 0.1
_STABLE_SECONDS = 300


@dataclass(frozen=True)
class Usage:
    """What the measured pods use and were promised, in thousandths of a core."""

    pods: int
    used: int
    requested: int

    @property
    def utilization(self) -> int | None:
        """Use in percent of what was requested; None if nothing was."""
        return round(100 * self.used / self.requested) if self.requested else None


def measure(pods: Iterable[Obj]) -> Usage:
    """The use of those pods that are ready and publish it."""
    count = used = requested = 0
    for pod in pods:
        text = (pod["metadata"].get("annotations") or {}).get(USE_ANNOTATION)
        if text is None or is_deleting(pod) or not is_pod_ready(pod):
            continue
        count += 1
        used += int(float(text))
        for container in pod["spec"]["containers"]:
            requested += parse_quantity(get_path(container, "resources", "requests", "cpu", default="0"))
    return Usage(count, used, requested)


def wanted_replicas(metric: Obj, usage: Usage, current: int) -> int | None:
    """How many replicas one CPU metric asks for; None if it cannot be told."""
    target = get_path(metric, "resource", "target", default={})
    if metric.get("type") != "Resource" or get_path(metric, "resource", "name") != "cpu" or not usage.pods:
        return None
    if target.get("averageUtilization"):
        if usage.utilization is None:
            return None
        ratio = usage.utilization / target["averageUtilization"]
    elif target.get("averageValue"):
        ratio = usage.used / usage.pods / parse_quantity(target["averageValue"])
    else:
        return None
    return current if abs(ratio - 1) <= _TOLERANCE else math.ceil(usage.pods * ratio)


class Autoscalers(Base):
    """Looks at every autoscaler each `period` seconds. Growth is immediate, shrinking waits until it was wished for a while."""

    def __init__(self, cluster: Cluster, period: float = PERIOD_SECONDS) -> None:
        super().__init__(cluster)
        self._period = period
        self._wishes: dict[Key, deque[tuple[float, int]]] = {}

    def concerns(self, change: Change) -> Iterable[Key]:
        if change.key.resource != AUTOSCALERS:
            return []
        if change.before is not None and change.before["spec"] == change.obj["spec"]:
            return []  # our own status
        return [change.key]

    def reconcile(self, key: Key) -> float | None:
        scaler = self.store.get(key)
        if scaler is None or is_deleting(scaler):
            self._wishes.pop(key, None)
            return None
        status = deep_copy(scaler.get("status") or {})
        target = self._target(scaler)
        if target is None:
            set_condition(status, "AbleToScale", "False", "FailedGetScale", "the scale target was not found")
        else:
            self._scale(key, scaler, status, *target)
        self.set_status(AUTOSCALERS, scaler, status)
        return self._period

    def _target(self, scaler: Obj) -> tuple[Resource, Obj] | None:
        reference = scaler["spec"]["scaleTargetRef"]
        resource = self.cluster.catalog.by_kind(reference.get("apiVersion", "apps/v1"), reference["kind"])
        if resource is None or resource.scale is None:
            return None
        obj = self.store.get(self.cluster.key(resource, namespace_of(scaler), reference["name"]))
        return (resource, obj) if obj is not None else None

    def _scale(self, key: Key, scaler: Obj, status: Obj, resource: Resource, obj: Obj) -> None:
        scale = to_scale(resource, obj)
        current = int(scale["spec"]["replicas"])
        wanted = self._wanted(key, scaler, status, scale, current)
        set_condition(
            status, "AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale"
        )
        status |= {"currentReplicas": int(scale["status"]["replicas"]), "desiredReplicas": wanted}
        if wanted != current:
            scale["spec"]["replicas"] = wanted
            options = WriteOptions(manager=MANAGER, subresource="scale")
            self.cluster.update(resource, namespace_of(obj), name_of(obj), from_scale(resource, obj, scale), options)
            status["lastScaleTime"] = now()
            self.event(scaler, "Normal", "SuccessfulRescale", f"New size: {wanted}; reason: cpu resource utilization")

    def _wanted(self, key: Key, scaler: Obj, status: Obj, scale: Obj, current: int) -> int:
        spec = scaler["spec"]
        lowest, highest = int(spec.get("minReplicas", 1)), int(spec["maxReplicas"])
        if current == 0:
            set_condition(
                status,
                "ScalingActive",
                "False",
                "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero",
            )
            return 0
        chosen = parse_labels(scale["status"].get("selector", ""))
        pods = [pod for pod in self.store.select("pods", namespace_of(scaler)) if chosen(pod["metadata"].get("labels") or {})]
        usage = measure(pods)
        wishes = [
            wish
            for wish in (wanted_replicas(metric, usage, current) for metric in spec.get("metrics") or [])
            if wish is not None
        ]
        if not wishes:
            message = "the HPA was unable to compute the replica count: no CPU use of the pods is known"
            set_condition(status, "ScalingActive", "False", "FailedGetResourceMetric", message)
            return min(max(current, lowest), highest)
        set_condition(
            status, "ScalingActive", "True", "ValidMetricFound", "the HPA was able to successfully calculate a replica count"
        )
        value: Obj = {"averageValue": f"{usage.used // usage.pods}m"}
        if usage.utilization is not None:
            value["averageUtilization"] = usage.utilization
        status["currentMetrics"] = [{"type": "Resource", "resource": {"name": "cpu", "current": value}}]
        wish = min(max(*wishes, lowest, 0), highest)
        return self._stabilized(key, scaler, wish, current)

    def _stabilized(self, key: Key, scaler: Obj, wish: int, current: int) -> int:
        """Shrink no further than the largest wish of the stabilization window."""
        window = get_path(scaler, "spec", "behavior", "scaleDown", "stabilizationWindowSeconds", default=_STABLE_SECONDS)
        moment = time.monotonic()
        wishes = self._wishes.setdefault(key, deque([(moment, current)]))
        wishes.append((moment, wish))
        while wishes and wishes[0][0] < moment - window:
            wishes.popleft()
        return wish if wish >= current else min(current, max(each for _, each in wishes))
