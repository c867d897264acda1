"""A real Prometheus behind a Service, reached as Cygni reaches one: by way of a real API server's proxy."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from chalicelib.platform.errors import MetricsUnavailable
from chalicelib.platform.gateways import PRESETS
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.platform.prometheus import PrometheusMetrics, through_service
from tests.contract.api import STRATEGIC, Api, eventually
from tests.contract.objects import pod
from tests.support.cluster import RealCluster
from tests.support.prometheus import ABSENT, PROGRAM, prometheus

pytestmark = [pytest.mark.cluster, pytest.mark.skipif(PROGRAM is None, reason=ABSENT)]


def own_address() -> str | None:
    """An address of this machine that an EndpointSlice takes: neither loopback nor link-local."""
    found = [
        each.address for addresses in psutil.net_if_addrs().values() for each in addresses if each.family is socket.AF_INET
    ]
    usable = (ipaddress.ip_address(each) for each in found)
    return next((str(each) for each in usable if not (each.is_loopback or each.is_link_local)), None)


def publish(api: Api, address: str, port: int) -> None:
    """A Service and its one pod, which that address is said to be: an API server passes requests on to pods alone, and its
    controllers list as endpoints only those that are on a node."""
    core, labels = "/api/v1/namespaces/monitoring", {"app": "prometheus"}
    service = {"selector": labels, "ports": [{"name": "web", "port": 80, "targetPort": port}]}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}], "conditions": [ready]}
    placed = pod("prometheus-0", labels=labels)
    placed["spec"]["nodeName"] = "elsewhere"
    assert api.post("/api/v1/nodes", {"metadata": {"name": "elsewhere"}}).status == 201
    api.post("/api/v1/namespaces", {"metadata": {"name": "monitoring"}})
    assert api.post(f"{core}/services", {"metadata": {"name": "prometheus"}, "spec": service}).status == 201
    assert api.post(f"{core}/pods", placed).status == 201
    assert api.patch(f"{core}/pods/prometheus-0/status", {"status": status}, STRATEGIC).status == 200


@pytest.fixture
def metrics(real: RealCluster, tmp_path: Path) -> Iterator[PrometheusMetrics]:
    if real.binaries is None:
        pytest.skip("the API server is not on this machine, so that it cannot be told to reach a Prometheus here")
    address = own_address()
    if address is None:
        pytest.skip("this machine has no address but loopback, which a Service cannot have as an endpoint")
    api, cluster = Api(real.kubeconfig), KubernetesCluster.from_kubeconfig(real.kubeconfig)
    with prometheus(tmp_path, [], host="0.0.0.0") as base:
        publish(api, address, urlsplit(base).port or 0)
        yield PrometheusMetrics(through_service("service://monitoring/prometheus:web", lambda: cluster), PRESETS["cygni"])
    api.delete("/api/v1/nodes/elsewhere")
    api.delete("/api/v1/namespaces/monitoring/pods/prometheus-0", {"gracePeriodSeconds": 0})
    api.delete("/api/v1/namespaces/monitoring")
    cluster.close()


def answer(metrics: PrometheusMetrics, expression: str) -> float | str | None:
    try:
        return metrics.value(expression)
    except MetricsUnavailable as error:
        return str(error)


@pytest.mark.controllers
def test_a_prometheus_inside_the_cluster_answers_through_the_api_server(metrics: PrometheusMetrics) -> None:
    found = eventually(lambda: answer(metrics, 'vector(40) + vector(2) or up{job="none"}'), lambda found: found == 42)

    assert found == 42
    assert metrics.read("shop", ["web-r1"]) == {}


def test_a_service_that_is_not_there_is_named(real: RealCluster) -> None:
    cluster = KubernetesCluster.from_kubeconfig(real.kubeconfig)
    try:
        with pytest.raises(MetricsUnavailable, match='services "nobody" not found'):
            PrometheusMetrics(through_service("service://default/nobody:80", lambda: cluster), PRESETS["cygni"]).value("1")
    finally:
        cluster.close()
