from __future__ import annotations

from typing import Any

from cygni.local.kube.resources.catalog import resources_of
from cygni.local.kube.resources.kinds import BUILTIN
from cygni.local.kube.tables import COLUMNS, table
from tests.contract.conftest import definition

_PODS = next(resource for resource in BUILTIN if resource.key == "pods")


def _pod(**status: Any) -> dict[str, Any]:
    metadata = {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return {"metadata": metadata, "spec": {"containers": [{"name": "app"}]}, "status": status}


def _cells(pod: dict[str, Any]) -> list[Any]:
    return list(table(_PODS, [pod], {})["rows"][0]["cells"])


def test_a_running_pod() -> None:
    statuses = [{"ready": True, "restartCount": 0, "state": {"running": {}}}]
    assert _cells(_pod(phase="Running", containerStatuses=statuses))[:4] == ["p", "1/1", "Running", "0"]


def test_a_crashing_pod_says_why() -> None:
    statuses = [{"ready": False, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]
    assert _cells(_pod(phase="Running", containerStatuses=statuses))[1:4] == ["0/1", "CrashLoopBackOff", "3"]


def test_a_pod_that_is_going_is_terminating() -> None:
    pod = _pod(phase="Running")
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert _cells(pod)[2] == "Terminating"


def test_every_column_survives_an_empty_object() -> None:
    for resource in BUILTIN:
        bare = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "x"}, "spec": {}}
        assert table(resource, [bare], {})["rows"][0]["cells"]
    assert {resource.key for resource in BUILTIN} >= set(COLUMNS)


def test_custom_columns_come_from_the_definition() -> None:
    (widgets,) = resources_of(definition("example.com"))
    shown = table(widgets, [{"metadata": {"name": "w"}, "spec": {"size": 3}}], {})
    assert [column["name"] for column in shown["columnDefinitions"]] == ["Name", "Size"]
    assert shown["rows"][0]["cells"] == ["w", 3]
