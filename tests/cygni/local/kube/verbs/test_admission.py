from __future__ import annotations

from typing import Any

import pytest

from cygni.local.kube.errors import ApiError
from cygni.local.kube.verbs.cluster import Cluster
from cygni.local.kube.verbs.options import DeleteOptions, WriteOptions
from tests.contract.objects import pod, service


def _create(inside: Cluster, key: str, body: dict[str, Any]) -> dict[str, Any]:
    return inside.create(inside.catalog.builtin(key), "default", body, WriteOptions())


def test_addresses_are_never_given_twice(inside: Cluster) -> None:
    addresses = {_create(inside, "services", service(f"s{number}"))["spec"]["clusterIP"] for number in range(30)}
    assert len(addresses) == 30


@pytest.mark.parametrize("address", ["10.97.0.1", "nonsense"])
def test_an_address_outside_the_range_is_refused(inside: Cluster, address: str) -> None:
    with pytest.raises(ApiError, match="not in the valid range"):
        _create(inside, "services", service(clusterIP=address))


def test_a_taken_address_is_refused(inside: Cluster) -> None:
    taken = _create(inside, "services", service("a"))["spec"]["clusterIP"]
    with pytest.raises(ApiError, match="already allocated"):
        _create(inside, "services", service("b", clusterIP=taken))


def test_a_headless_service_has_no_address(inside: Cluster) -> None:
    assert _create(inside, "services", service(clusterIP="None"))["spec"]["clusterIPs"] == ["None"]


def test_limit_ranges_fill_what_pods_leave_open(inside: Cluster) -> None:
    limit = {"type": "Container", "default": {"cpu": "1", "memory": "1Gi"}, "defaultRequest": {"cpu": "100m"}}
    _create(inside, "limitranges", {"metadata": {"name": "l"}, "spec": {"limits": [limit]}})
    resources = _create(inside, "pods", pod("p"))["spec"]["containers"][0]["resources"]
    assert resources["limits"] == {"cpu": "1", "memory": "1Gi"}
    assert resources["requests"] == {"cpu": "100m", "memory": "1Gi"}


@pytest.mark.parametrize(
    ("resources", "quality"),
    [({}, "BestEffort"), ({"requests": {"cpu": "1"}}, "Burstable"), ({"limits": {"cpu": "1", "memory": "1Gi"}}, "Guaranteed")],
)
def test_a_pod_is_classed_by_its_resources(inside: Cluster, resources: dict[str, Any], quality: str) -> None:
    body = pod("p")
    body["spec"]["containers"][0]["resources"] = resources
    assert _create(inside, "pods", body)["status"]["qosClass"] == quality


def test_the_first_namespaces_stay(inside: Cluster) -> None:
    with pytest.raises(ApiError, match="may not be deleted"):
        inside.delete(inside.catalog.builtin("namespaces"), "", "default", DeleteOptions())


def test_a_refused_write_leaves_no_trace(inside: Cluster) -> None:
    revision = inside.store.revision
    with pytest.raises(ApiError):
        _create(inside, "pods", {"metadata": {"name": "p"}, "spec": {}})
    assert inside.store.revision == revision
