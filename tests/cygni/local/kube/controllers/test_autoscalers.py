from __future__ import annotations

from typing import Any

import pytest

from cygni.local.kube.controllers.autoscalers import Autoscalers, Usage, measure, wanted_replicas
from cygni.local.kube.storage.store import Key
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.options import WriteOptions
from tests.contract.objects import deployment

_HALF = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
_READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}


def _pod(name: str, millicores: int | None, status: dict[str, Any]) -> dict[str, Any]:
    notes = {} if millicores is None else {"cygni.dev/cpu-millicores": str(millicores)}
    spec = {"containers": [{"name": "app", "image": "x", "resources": {"requests": {"cpu": "100m"}}}]}
    return {"metadata": {"name": name, "labels": {"app": "web"}, "annotations": notes}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("used", "wanted"),
    [(100, 2), (104, 2), (150, 3), (400, 8), (10, 1), (0, 0)],
)
def test_replicas_follow_use(used: int, wanted: int) -> None:
    assert wanted_replicas(_HALF, Usage(2, used, 200), 2) == wanted


def test_without_requests_or_use_nothing_can_be_told() -> None:
    assert wanted_replicas(_HALF, Usage(2, 100, 0), 2) is None
    assert wanted_replicas(_HALF, Usage(0, 0, 0), 2) is None


def test_only_ready_pods_that_publish_count() -> None:
    pods = [_pod("a", 80, _READY), _pod("b", None, _READY), _pod("c", 500, {"phase": "Pending"})]
    assert measure(pods) == Usage(1, 80, 100)


@pytest.fixture
def scaler(inside: Cluster) -> Autoscalers:
    """An autoscaler of 1 to 4 replicas at 50 % over a Deployment of 2 pods."""
    options = WriteOptions()
    catalog = inside.catalog
    inside.create(catalog.builtin("deployments.apps"), "default", deployment(replicas=2), options)
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    behavior = {"scaleDown": {"stabilizationWindowSeconds": 300}}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 4, "metrics": [_HALF], "behavior": behavior}
    body = {"metadata": {"name": "web"}, "spec": spec}
    inside.create(catalog.builtin("horizontalpodautoscalers.autoscaling"), "default", body, options)
    return Autoscalers(inside)


def _look(inside: Cluster, scaler: Autoscalers, millicores: int) -> int:
    pods = inside.catalog.builtin("pods")
    for name in ("a", "b"):
        key = Key("pods", "default", name)
        pod = _pod(name, millicores, _READY)
        if inside.store.get(key) is None:
            inside.create(pods, "default", _pod(name, millicores, {}), WriteOptions())
        inside.store.put(
            key,
            {
                **(inside.store.get(key) or {}),
                **pod,
                "metadata": {**(inside.store.get(key) or {})["metadata"], **pod["metadata"]},
            },
        )
    scaler.reconcile(Key("horizontalpodautoscalers.autoscaling", "default", "web"))
    return int(inside.get(inside.catalog.builtin("deployments.apps"), "default", "web")["spec"]["replicas"])


def test_load_scales_out_up_to_the_maximum(inside: Cluster, scaler: Autoscalers) -> None:
    assert _look(inside, scaler, 75) == 3
    assert _look(inside, scaler, 900) == 4


def test_scaling_in_waits_for_the_window(inside: Cluster, scaler: Autoscalers) -> None:
    assert _look(inside, scaler, 10) == 2


def test_an_unknown_use_changes_nothing_and_says_so(inside: Cluster, scaler: Autoscalers) -> None:
    key = Key("horizontalpodautoscalers.autoscaling", "default", "web")
    scaler.reconcile(key)
    conditions = {each["type"]: each["reason"] for each in (inside.store.get(key) or {})["status"]["conditions"]}
    assert conditions["ScalingActive"] == "FailedGetResourceMetric"
