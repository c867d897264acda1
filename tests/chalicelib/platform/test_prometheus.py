"""A Prometheus server as a source: how it is reached, and what only it can get wrong."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.platform import prometheus
from chalicelib.platform.errors import MetricsUnavailable
from chalicelib.platform.gateways import PRESETS
from chalicelib.platform.prometheus import PrometheusMetrics, at, seen_inside, signed, through_service, traffic_metrics
from chalicelib.platform.settings import Settings
from chalicelib.platform.traffic import Reading
from cygni.local.kube.kubeconfig import write_kubeconfig
from tests.chalicelib.platform.test_traffic import PAGE, Source, evaluate, reply

CYGNI = PRESETS["cygni"]
READ = {"web-r1": Reading(100, 10, ((0.1, 60), (2.5, 99), (math.inf, 100)))}


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as running:
        yield running


def vector(*samples: tuple[dict[str, str], str]) -> str:
    result = [{"metric": labels, "value": [1795479472.783, value]} for labels, value in samples]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": result}})


def answering(source: Source, text: str) -> PrometheusMetrics:
    source.answer = lambda handler: reply(handler, 200, text)
    return PrometheusMetrics(at(source.base), CYGNI)


@pytest.mark.parametrize(
    "answer",
    [
        "[]",
        "{",
        '{"status": "error"}',
        '{"status": "success", "data": {"resultType": "matrix", "result": []}}',
        '{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1, "2"]}]}}',
        '{"status": "success", "data": {"resultType": "vector", "result": [{"metric": {"backend": "b"}}]}}',
    ],
)
def test_what_is_no_instant_vector_is_an_error(source: Source, answer: str) -> None:
    with pytest.raises(MetricsUnavailable):
        answering(source, answer).read("shop", ["web-r1"])


def test_all_queries_are_evaluated_at_the_same_moment(source: Source) -> None:
    PrometheusMetrics(at(source.base), CYGNI).read("shop", ["web-r1"])

    assert source.times == ["1795479472.783"] * 3


def test_a_gateway_without_latency_by_backend_gives_readings_without_buckets(source: Source) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = parse_qs(urlsplit(handler.path).query)["query"][0]
        by_code = [({"backend": "web-r1", "code": code}, value) for code, value in (("2xx", "90"), ("5xx", "10"))]
        pods = [({"backend": "web-r1", "pod": "10.0.0.1:8080"}, "10" if "5xx" in asked else "100")]
        reply(handler, 200, vector(*by_code) if "by (code)" in asked else vector(*pods))

    source.answer = answer

    found = PrometheusMetrics(at(source.base), PRESETS["nginx-gateway-fabric"]).read("shop", ["web-r1"])

    assert found == {"web-r1": Reading(100, 10, (), (("10.0.0.1:8080", 100, 10),))}


def test_bounds_in_milliseconds_are_read_as_seconds(source: Source) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked = parse_qs(urlsplit(handler.path).query)["query"][0]
        by_bound = [({"backend": "b", "le": bound}, value) for bound, value in (("700", "3"), ("+Inf", "4"))]
        reply(handler, 200, vector(*by_bound) if "bucket" in asked else vector(({"backend": "b", "code": "200"}, "4")))

    source.answer = answer

    found = PrometheusMetrics(at(source.base), PRESETS["istio"]).read("shop", ["b"])

    assert found == {"b": Reading(4, 0, ((0.7, 3), (math.inf, 4)))}


def test_a_query_that_depends_on_the_time_is_evaluated_at_the_time_it_was_written_for(source: Source) -> None:
    source.answer = lambda handler: (source.times.append(handler.path), reply(handler, 200, vector()))[-1]

    metrics = PrometheusMetrics(at(source.base), PRESETS["aws-load-balancer-controller"], clock=lambda: 1_795_479_472.7834)
    metrics.read("shop", ["web-r1"])

    (path,) = source.times
    asked = parse_qs(urlsplit(path).query)
    assert asked["time"] == ["1795479472.783"]
    assert f"[{1_795_479_472 % 86_400}s]" in asked["query"][0]


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        (vector(({}, "0.25")), 0.25),
        ('{"status": "success", "data": {"resultType": "scalar", "result": [1795479472.783, "7"]}}', 7.0),
        (vector(), None),
        (vector(({}, "NaN")), None),
        (vector(({}, "+Inf")), None),
    ],
    ids=["vector", "scalar", "nothing", "not a number", "infinite"],
)
def test_an_expression_gives_one_number_or_none(source: Source, answer: str, value: float | None) -> None:
    assert answering(source, answer).value("up") == value


def test_an_expression_that_gives_several_numbers_is_told_to_aggregate(source: Source) -> None:
    with pytest.raises(MetricsUnavailable, match="2 numbers, not one") as refused:
        answering(source, vector(({"a": "1"}, "1"), ({"a": "2"}, "2"))).value("up")

    assert "Aggregate it" in refused.value.remedy


def test_an_expression_that_is_refused_is_an_error(source: Source) -> None:
    source.answer = lambda handler: reply(handler, 400, '{"status": "error", "errorType": "bad_data"}')

    with pytest.raises(MetricsUnavailable, match="status 400"):
        PrometheusMetrics(at(source.base), CYGNI).value("up(")


# settings


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"metrics_kind": "statsd"}, "CYGNI_METRICS_KIND must be scrape or prometheus, not 'statsd'"),
        ({"metrics_preset": "kong"}, "CYGNI_METRICS_PRESET must be one of cygni, envoy-gateway, .*, not 'kong'"),
        ({"metrics_url": "service://monitoring"}, "CYGNI_METRICS_URL must be service://namespace/name:port"),
        ({"metrics_url": "service://monitoring/prometheus"}, "CYGNI_METRICS_URL must be service://namespace/name:port"),
    ],
)
def test_settings_that_do_not_fit_are_named(settings: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        traffic_metrics(Settings(**settings))


# by way of the API server


class Proxied(Source):
    """An API server that passes requests for one Service on to the server behind it, which is this one too."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str | None]] = []
        self.status = 200

        def pass_on(handler: BaseHTTPRequestHandler) -> None:
            parts = urlsplit(handler.path)
            self.seen.append((parts.path, handler.headers["Authorization"]))
            asked = parse_qs(parts.query)["query"][0]
            refusal = {"kind": "Status", "reason": "ServiceUnavailable", "message": "no endpoints available for service"}
            reply(handler, self.status, json.dumps(evaluate(asked, PAGE) if self.status == 200 else refusal))

        self.answer = pass_on


@pytest.fixture
def proxied() -> Iterator[Proxied]:
    with Proxied() as running:
        yield running


@pytest.fixture
def by_service(proxied: Proxied, tmp_path: Path) -> Iterator[Callable[[str], PrometheusMetrics]]:
    prometheus._cluster.cache_clear()
    path = write_kubeconfig(tmp_path / "kubeconfig", int(proxied.base.rpartition(":")[2]), "t0ken")
    yield lambda url: PrometheusMetrics(through_service(url, lambda: prometheus._cluster(str(path))), CYGNI)
    prometheus._cluster(str(path)).close()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("service://monitoring/prometheus-server:80", "prometheus-server:80/proxy"),
        ("service://monitoring/https:prometheus:web/mimir/", "https:prometheus:web/proxy/mimir"),
    ],
)
def test_a_service_is_reached_through_the_api_server_with_its_credentials(
    proxied: Proxied, by_service: Callable[[str], PrometheusMetrics], url: str, path: str
) -> None:
    assert by_service(url).read("shop", ["web-r1"]) == READ

    where, credential = proxied.seen[0]
    assert where.replace("%3A", ":") == f"/api/v1/namespaces/monitoring/services/{path}/api/v1/query"
    assert credential == "Bearer t0ken"


def test_what_the_api_server_says_of_the_service_is_told(
    proxied: Proxied, by_service: Callable[[str], PrometheusMetrics]
) -> None:
    proxied.status = 503

    with pytest.raises(MetricsUnavailable, match="no endpoints available for service"):
        by_service("service://monitoring/prometheus:80").read("shop", ["web-r1"])


# signed


def signature(handler: BaseHTTPRequestHandler, secret: str) -> str:
    """The signature that Signature Version 4 asks of this request, computed from what arrived."""
    scope, names = re.findall(r"Credential=[^/]+/([^,]+), SignedHeaders=([^,]+)", handler.headers["Authorization"])[0]
    parts = urlsplit(handler.path)
    headers = "".join(f"{name}:{handler.headers[name].strip()}\n" for name in names.split(";"))
    query = "&".join(sorted(parts.query.split("&")))
    canonical = "\n".join(["GET", parts.path, query, headers, names, hashlib.sha256(b"").hexdigest()])
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", handler.headers["X-Amz-Date"], scope, digest])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, to_sign.encode(), hashlib.sha256).hexdigest()


def test_requests_to_a_managed_workspace_carry_a_signature_that_holds(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"ACCESS_KEY_ID": "AKIDEXAMPLE", "SECRET_ACCESS_KEY": "a secret", "SESSION_TOKEN": "a session's token"}
    for name, value in given.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    prometheus._credentials.cache_clear()
    seen: list[str] = []

    def judge(handler: BaseHTTPRequestHandler) -> None:
        sent = handler.headers["Authorization"]
        seen.append(f"{handler.path.partition('?')[0]} {sent}")
        held = sent.endswith(f"Signature={signature(handler, 'a secret')}")
        held = held and handler.headers["X-Amz-Security-Token"] == "a session's token"
        asked = parse_qs(urlsplit(handler.path).query)["query"][0]
        reply(handler, 200 if held else 403, json.dumps(evaluate(asked, PAGE)))

    source.answer = judge
    metrics = PrometheusMetrics(signed(f"{source.base}/workspaces/ws-1", "eu-west-1"), CYGNI)

    assert metrics.read("shop", ["web-r1"]) == READ
    assert seen[0].startswith("/workspaces/ws-1/api/v1/query AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
    assert "/eu-west-1/aps/aws4_request" in seen[0]
    prometheus._credentials.cache_clear()


def test_without_credentials_it_says_which_right_is_missing(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    prometheus._credentials.cache_clear()

    with pytest.raises(MetricsUnavailable, match="no AWS credentials") as refused:
        PrometheusMetrics(signed(source.base, "eu-west-1"), CYGNI).read("shop", ["web-r1"])

    assert "aps:QueryMetrics" in refused.value.remedy
    prometheus._credentials.cache_clear()


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("service://monitoring/prometheus-operated:9090", "http://prometheus-operated.monitoring.svc:9090"),
        ("service://monitoring/https:prometheus:443/mimir/", "https://prometheus.monitoring.svc:443/mimir"),
        ("service://monitoring/prometheus:web", ""),
        ("http://prometheus.internal:9090/", "http://prometheus.internal:9090"),
        ("service://monitoring/prometheus", ""),
        ("", ""),
    ],
)
def test_an_address_is_told_as_the_clusters_own_pods_find_it(url: str, inside: str) -> None:
    assert seen_inside(url) == inside
