"""The presets asked of a real Prometheus server, which scrapes what each gateway shows, and the embedded gateway itself."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from chalicelib.platform.errors import MetricsUnavailable
from chalicelib.platform.gateways import PRESETS
from chalicelib.platform.prometheus import PrometheusMetrics, at
from chalicelib.platform.traffic import Reading
from tests.chalicelib.platform.test_traffic import reply
from tests.contract.api import eventually
from tests.cygni.local.gateway.builders import pod, route, rule, service
from tests.cygni.local.gateway.test_process import Cluster, fetch, finish, launch, named, serving
from tests.support.prometheus import ABSENT, PROGRAM, prometheus

pytestmark = [pytest.mark.slow, pytest.mark.skipif(PROGRAM is None, reason=ABSENT)]


def line(metric: str, value: object, **labels: str) -> str:
    """A line of a metrics page."""
    told = ",".join(f'{name}="{text}"' for name, text in labels.items())
    return f"{metric}{{{told}}} {value}\n"


def istio(ok: int, bad: int) -> str:
    to = {"destination_service_namespace": "shop", "destination_service_name": "web-r1"}
    source, requests = {"reporter": "source", **to}, "istio_requests_total"
    buckets = "istio_request_duration_milliseconds_bucket"
    return (
        line(requests, ok, **source, response_code="200")
        + line(requests, bad, **source, response_code="503")
        + line(requests, 77, reporter="destination", **to, response_code="200")
        + line(requests, 5, **source | {"destination_service_name": "web-r11"}, response_code="200")
        + line(buckets, ok, **source, le="250")
        + line(buckets, ok + bad, **source, le="+Inf")
    )


def traefik(ok: int, bad: int) -> str:
    mine = {"method": "GET", "protocol": "http", "service": "shop-web-r1-http-80@kubernetesgateway"}
    other = mine | {"service": "shop-web-r2-http-80@kubernetesgateway"}
    requests, buckets = "traefik_service_requests_total", "traefik_service_request_duration_seconds_bucket"
    return (
        line(requests, ok, code="200", **mine)
        + line(requests, bad, code="502", **mine | {"method": "POST"})
        + line(requests, 5, code="200", **other)
        + line(buckets, ok, code="200", **mine, le="0.25")
        + line(buckets, ok + bad, code="200", **mine, le="+Inf")
    )


def nginx(ok: int, bad: int) -> str:
    metric = "nginx_http_upstream_peer_responses_total"
    return (
        line(metric, ok, nginx_status_range="2xx", nginx_upstream_name="shop_web-r1_80", nginx_peer_address="10.0.0.1:8080")
        + line(metric, bad, nginx_status_range="5xx", nginx_upstream_name="shop_web-r1_80", nginx_peer_address="10.0.0.2:8080")
        + line(metric, 5, nginx_status_range="5xx", nginx_upstream_name="shop_web-r2_80", nginx_peer_address="10.0.0.2:8080")
    )


def envoy(ok: int, bad: int) -> str:
    name, good = "httproute/shop/web/rule/0", "envoy_cluster_endpoint_rq_success"
    return (
        line(good, ok, envoy_cluster_name=name, envoy_endpoint_address="10.0.0.1:8080")
        + line("envoy_cluster_endpoint_rq_error", bad, envoy_cluster_name=name, envoy_endpoint_address="[fd00::2]:8080")
        + line(good, 5, envoy_cluster_name=name, envoy_endpoint_address="10.0.0.3:8080")
        + line(good, 7, envoy_cluster_name="httproute/other/web/rule/0", envoy_endpoint_address="10.0.0.1:8080")
    )


PODS = "".join(
    line("kube_pod_info", 1, namespace="shop", pod=name, pod_ip=address)
    for name, address in {
        "web-r1-6d4b75cb6d-hx2mq": "10.0.0.1",
        "web-r1-6d4b75cb6d-kk9zd": "fd00::2",
        "web-r11-5bd547c457-lmlh9": "10.0.0.3",
    }.items()
)
HALVES = ((60, 4), (30, 6))
"""What two pods of one gateway have counted: requests that went well, and those that did not."""
COUNTED = Reading(100, 10, ((0.25, 90), (math.inf, 100)))
PAGES = {
    "istio": (istio, COUNTED),
    "traefik": (traefik, COUNTED),
    "nginx-gateway-fabric": (nginx, Reading(100, 10, (), (("10.0.0.1:8080", 90, 0), ("10.0.0.2:8080", 10, 10)))),
    "envoy-gateway": (
        envoy,
        Reading(100, 10, (), (("web-r1-6d4b75cb6d-hx2mq", 90, 0), ("web-r1-6d4b75cb6d-kk9zd", 10, 10))),
    ),
}


class Pages:
    """What is scraped: text by path. A page that is taken away answers 503, as a pod that is gone would not at all."""

    def __init__(self) -> None:
        self.texts: dict[str, Callable[[], str]] = {}
        pages = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                text = pages.texts.get(self.path.lstrip("/"))
                reply(self, 200 if text else 503, text() if text else "")

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @contextmanager
    def served(self, folder: Path) -> Iterator[str]:
        """A Prometheus that scrapes all of them; its address."""
        thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            with prometheus(folder, [f"127.0.0.1:{self.server.server_port}/{path}" for path in self.texts]) as base:
                yield base
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


@pytest.fixture(scope="module")
def pages() -> Pages:
    made = Pages()
    for name, (page, _) in PAGES.items():
        for number, counts in enumerate(HALVES):
            made.texts[f"{name}-{number}"] = lambda page=page, counts=counts: page(*counts)
    made.texts["kube-state-metrics"] = lambda: PODS
    return made


@pytest.fixture(scope="module")
def base(pages: Pages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pages.served(tmp_path_factory.mktemp("prometheus")) as address:
        yield address


def reading(base: str, preset: str, wanted: Reading) -> Reading | None:
    """What the preset reads of web-r1, once it is as wanted or a minute is over."""
    metrics = PrometheusMetrics(at(base), PRESETS[preset])
    return eventually(lambda: metrics.read("shop", ["web-r1"]).get("web-r1"), lambda found: found == wanted)


@pytest.mark.parametrize("preset", PAGES)
def test_a_backends_counts_are_those_of_all_the_gateways_pods(base: str, preset: str) -> None:
    wanted = PAGES[preset][1]

    assert reading(base, preset, wanted) == wanted
    assert PrometheusMetrics(at(base), PRESETS[preset]).read("shop", ["web-r9"]) == {}


def test_a_gateways_pod_that_goes_takes_none_of_its_counts_along(base: str, pages: Pages) -> None:
    assert reading(base, "traefik", COUNTED) == COUNTED
    gone = pages.texts.pop("traefik-1")
    metrics = PrometheusMetrics(at(base), PRESETS["traefik"])
    try:
        scraped = eventually(lambda: metrics.value("count(up == 0) or vector(0)"), lambda down: down == 1)
        assert scraped == 1
        assert reading(base, "traefik", COUNTED) == COUNTED
    finally:
        pages.texts["traefik-1"] = gone


def test_what_a_query_gives_is_a_number_none_or_a_refusal(base: str) -> None:
    metrics = PrometheusMetrics(at(base), PRESETS["cygni"])

    assert metrics.value("1 + 1") == 2
    assert metrics.value("vector(0) / 0") is None
    assert metrics.value("no_such_metric") is None
    with pytest.raises(MetricsUnavailable, match="status 400"):
        metrics.value("sum(")


def test_minutes_of_cloudwatch_are_each_counted_once(tmp_path: Path) -> None:
    newest = int(time.time()) // 60 * 60 - 60
    minutes = [newest - 180, newest - 120, newest - 60, newest]
    shown = iter([each for each in minutes[:3] for _ in range(2)])  # a scrape that is too late is lost
    latest = [minutes[0]]

    def page() -> str:
        latest[0] = next(shown, newest)
        group = 'dimension_TargetGroup="targetgroup/k8s-shop-web-1/2",dimension_AvailabilityZone=""'
        tag = 'tag_gateway_k8s_aws_alb_resource="cygni-system/cygni:shop-web:HTTPRoute-shop-web-r1:80"'
        lines = [f"aws_applicationelb_request_count_sum{{{group},{tag}}} 100 {latest[0]}000"]
        if latest[0] == minutes[1]:  # a minute without errors has no number
            lines.append(f"aws_applicationelb_httpcode_target_5_xx_count_sum{{{group},{tag}}} 7 {latest[0]}000")
        return "\n".join(lines) + "\n"

    scraped = Pages()
    scraped.texts["yace"] = page
    midnight = int(time.time()) // 86_400 * 86_400
    today = [each for each in minutes if each > midnight]
    wanted = Reading(100 * len(today), 7 if minutes[1] in today else 0, ())
    with scraped.served(tmp_path) as base:
        assert reading(base, "aws-load-balancer-controller", wanted) == wanted


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    running = Cluster(tmp_path)
    running.start()
    yield running
    running.stop()


def test_the_embedded_gateway_is_read_through_prometheus_as_on_its_own_page(cluster: Cluster, tmp_path: Path) -> None:
    process, ports = launch(["cygni.local.gateway", "--kubeconfig", str(cluster.kubeconfig), "--port", "0"])
    try:
        with serving("one") as one:
            cluster.create(
                named("Service", service("web-r1")),
                named("Service", service("web-r2")),
                named("Pod", pod("web-1", app="web-r1", port=one)),
                named("HTTPRoute", route(rule({"web-r1": 3, "web-r2": 1}))),
            )
            eventually(lambda: fetch(ports["port"])[0], lambda status: status == 200)
            sent = [fetch(ports["port"])[0] for _ in range(40)]
            with prometheus(tmp_path, [f"127.0.0.1:{ports['admin_port']}/metrics"]) as base:
                metrics = PrometheusMetrics(at(base), PRESETS["cygni"])
                found = eventually(
                    lambda: metrics.read("shop", ["web-r1", "web-r2"]),
                    lambda found: sum(each.requests for each in found.values()) > 40,
                )
    finally:
        finish(process)
    assert set(sent) == {200, 503}  # web-r2 has no pod
    assert sum(each.requests for each in found.values()) > 40
    assert found["web-r2"].requests == found["web-r2"].errors >= sent.count(503)
    assert found["web-r1"].errors == 0
    assert [(requests, errors) for _, requests, errors in found["web-r1"].pods] == [(found["web-r1"].requests, 0)]
    assert found["web-r1"].buckets[-1] == (math.inf, found["web-r1"].requests)
