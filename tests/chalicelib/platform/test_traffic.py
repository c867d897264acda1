from __future__ import annotations

import json
import math
import re
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chalicelib.platform import traffic
from chalicelib.platform.errors import MetricsUnavailable
from chalicelib.platform.prometheus import traffic_metrics
from chalicelib.platform.settings import Settings
from chalicelib.platform.traffic import Reading, ScrapedMetrics, TrafficMetrics

PAGE = """# HELP cygni_gateway_requests_total Requests.
# TYPE cygni_gateway_requests_total counter
cygni_gateway_requests_total{backend="web-r1",code="2xx",namespace="shop",route="web"} 90.0
cygni_gateway_requests_total{backend="web-r1",code="5xx",namespace="shop",route="web"} 10.0
cygni_gateway_requests_total{backend="web-r2",code="2xx",namespace="shop",route="web"} 0.0
cygni_gateway_requests_total{backend="web-r1",code="2xx",namespace="other",route="web"} 7.0
cygni_gateway_requests_total{backend="webxr1",code="5xx",namespace="shop",route="web"} 5.0
cygni_gateway_requests_created{backend="web-r1",code="2xx",namespace="shop",route="web"} 1.7e+09
# TYPE cygni_gateway_request_duration_seconds histogram
cygni_gateway_request_duration_seconds_bucket{backend="web-r1",le="0.1",namespace="shop",route="web"} 60.0
cygni_gateway_request_duration_seconds_bucket{backend="web-r1",le="2.5",namespace="shop",route="web"} 99.0
cygni_gateway_request_duration_seconds_bucket{backend="web-r1",le="+Inf",namespace="shop",route="web"} 100.0
cygni_gateway_request_duration_seconds_sum{backend="web-r1",namespace="shop",route="web"} 31.5
cygni_gateway_request_duration_seconds_bucket{backend="web-r2",le="0.1",namespace="shop",route="web"} 0.0
cygni_gateway_request_duration_seconds_bucket{backend="web-r2",le="+Inf",namespace="shop",route="web"} 0.0
cygni_gateway_request_duration_seconds_bucket{backend="web-r1",le="+Inf",namespace="other",route="web"} 7.0
"""
_QUERY = re.compile(
    r'label_replace\(sum by \((\w+)\) \(last_over_time\((\w+)\{namespace="([^"]*)",backend="([^"]*)"\}\[1h\]\)\), '
    r'"backend", "\4", "", ""\)'
)


def evaluate(expression: str, page: str) -> dict[str, object]:
    """What a Prometheus server that has scraped `page` answers to one of the two queries."""
    parts = [_QUERY.fullmatch(part) for part in expression.split(" or ")]
    sums: defaultdict[tuple[str, str], float] = defaultdict(float)
    for found in parts:
        if found is None:
            return {"status": "error", "errorType": "bad_data", "error": "parse error"}
        label, metric, namespace, backend = found.groups()
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                if sample.name == metric and (sample.labels["namespace"], sample.labels["backend"]) == (namespace, backend):
                    sums[backend, sample.labels[label]] += sample.value
    result = [{"metric": {"backend": b, label: v}, "value": [1795479472.783, str(total)]} for (b, v), total in sums.items()]
    return {"status": "success", "data": {"resultType": "vector", "result": result}}


class Source:
    """A server that shows `page` at /metrics and answers queries about it; `answer` replaces what it says."""

    def __init__(self) -> None:
        self.page = PAGE
        self.answer: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.times: list[str] = []
        source = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if source.answer is not None:
                    source.answer(self)
                    return
                parts = urlsplit(self.path)
                asked = parse_qs(parts.query)
                source.times.extend(asked.get("time", []))
                said = source.page if parts.path == "/metrics" else json.dumps(evaluate(asked["query"][0], source.page))
                reply(self, 200, said)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.base = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Source:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def reply(handler: BaseHTTPRequestHandler, status: int, text: str, length: int | None = None) -> None:
    body = text.encode()
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture
def source() -> Iterator[Source]:
    with Source() as running:
        yield running


@pytest.fixture(params=["scrape", "prometheus"])
def metrics(request: pytest.FixtureRequest, source: Source) -> TrafficMetrics:
    return source_of(request.param, source.base + ("/metrics" if request.param == "scrape" else "/"))


def source_of(kind: str, url: str) -> TrafficMetrics:
    return traffic_metrics(Settings(metrics_kind=kind, metrics_url=url))


# both sources keep the same promises


def test_a_reading_holds_requests_errors_and_buckets(metrics: TrafficMetrics) -> None:
    assert metrics.read("shop", ["web-r1"]) == {"web-r1": Reading(100, 10, ((0.1, 60), (2.5, 99), (math.inf, 100)))}


def test_requests_and_errors_are_read_by_pod_where_the_source_tells_pods_apart(metrics: TrafficMetrics, source: Source) -> None:
    assert metrics.read("shop", ["web-r1"])["web-r1"].pods == ()

    for name, pod, value in (("requests", "b", 7), ("requests", "a", 90), ("errors", "a", 10), ("requests", "a", 1)):
        route = f"route{value}"
        source.page += f'cygni_gateway_pod_{name}_total{{backend="web-r1",namespace="shop",pod="{pod}",at="{route}"}} {value}\n'
    assert metrics.read("shop", ["web-r1"])["web-r1"].pods == (("a", 91, 10), ("b", 7, 0))


def test_no_traffic_reads_as_zero(metrics: TrafficMetrics) -> None:
    assert metrics.read("shop", ["web-r2"]) == {"web-r2": Reading(0, 0, ((0.1, 0), (math.inf, 0)))}


def test_several_backends_are_read_at_once(metrics: TrafficMetrics) -> None:
    assert set(metrics.read("shop", ["web-r1", "web-r2"])) == {"web-r1", "web-r2"}


def test_a_backend_that_was_never_counted_is_absent(metrics: TrafficMetrics) -> None:
    assert metrics.read("shop", ["web-r9"]) == {}
    assert metrics.read("nowhere", ["web-r1"]) == {}


def test_no_backends_give_no_readings(metrics: TrafficMetrics) -> None:
    assert metrics.read("shop", []) == {}


def test_a_name_is_no_pattern(metrics: TrafficMetrics) -> None:
    assert metrics.read("shop", ["web.r1", ".*"]) == {}


def test_several_routes_to_a_backend_add_up(metrics: TrafficMetrics, source: Source) -> None:
    source.page += PAGE.replace('route="web"', 'route="other"')
    assert metrics.read("shop", ["web-r1"])["web-r1"] == Reading(200, 20, ((0.1, 120), (2.5, 198), (math.inf, 200)))


def test_a_page_without_the_gateways_series_gives_no_readings(metrics: TrafficMetrics, source: Source) -> None:
    source.page = "up 1\n"
    assert metrics.read("shop", ["web-r1"]) == {}


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1"])
def test_what_cannot_be_a_counter_is_refused(metrics: TrafficMetrics, source: Source, value: str) -> None:
    source.page = PAGE.replace("} 90.0", "} " + value)
    with pytest.raises(MetricsUnavailable):
        metrics.read("shop", ["web-r1"])


def test_buckets_that_do_not_add_up_are_refused(metrics: TrafficMetrics, source: Source) -> None:
    source.page = PAGE.replace("} 60.0", "} 600.0")
    with pytest.raises(MetricsUnavailable, match="add up"):
        metrics.read("shop", ["web-r1"])


@pytest.mark.parametrize("status", [204, 301, 400, 404, 500, 503])
def test_any_status_but_200_is_an_error(metrics: TrafficMetrics, source: Source, status: int) -> None:
    source.answer = lambda handler: reply(handler, status, "")
    with pytest.raises(MetricsUnavailable):
        metrics.read("shop", ["web-r1"])


def test_an_answer_cut_short_is_an_error(metrics: TrafficMetrics, source: Source) -> None:
    source.answer = lambda handler: reply(handler, 200, PAGE[:400], length=len(PAGE))
    with pytest.raises(MetricsUnavailable):
        metrics.read("shop", ["web-r1"])


def test_bytes_that_are_no_text_are_an_error(metrics: TrafficMetrics, source: Source) -> None:
    source.answer = lambda handler: (reply(handler, 200, "", length=2), handler.wfile.write(b"\xff\xfe"), None)[-1]
    with pytest.raises(MetricsUnavailable):
        metrics.read("shop", ["web-r1"])


def test_silence_is_an_error_within_the_time_limit(
    metrics: TrafficMetrics, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "TIMEOUT", 0.2)
    released, ended = threading.Event(), threading.Event()
    source.answer = lambda handler: (released.wait(60), ended.set())[-1]
    with pytest.raises(MetricsUnavailable):
        metrics.read("shop", ["web-r1"])
    assert not ended.is_set()
    released.set()


def test_an_answer_that_drips_is_an_error_within_the_time_limit(
    metrics: TrafficMetrics, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "TIMEOUT", 0.3)
    ended = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        reply(handler, 200, "", length=10_000)
        while not ended.wait(0.02):
            handler.wfile.write(b"#")

    source.answer = drip
    with pytest.raises(MetricsUnavailable):
        metrics.read("shop", ["web-r1"])
    ended.set()


@pytest.mark.parametrize("kind", ["scrape", "prometheus"])
def test_nobody_listening_is_an_error_that_says_where(kind: str) -> None:
    with pytest.raises(MetricsUnavailable, match=r"http://127\.0\.0\.1:1/"):
        source_of(kind, "http://127.0.0.1:1/").read("shop", ["web-r1"])


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "ftp://x/"])
def test_only_http_addresses_are_opened(url: str) -> None:
    with pytest.raises(MetricsUnavailable, match="No address"):
        ScrapedMetrics(url).read("shop", ["web-r1"])


def test_a_metrics_page_answers_no_expressions(source: Source) -> None:
    with pytest.raises(MetricsUnavailable, match="cannot answer"):
        ScrapedMetrics(source.base).value("up")


def test_a_malformed_page_is_an_error(source: Source) -> None:
    source.page = 'cygni_gateway_requests_total{backend="web-r1"\n'
    with pytest.raises(MetricsUnavailable):
        ScrapedMetrics(source.base + "/metrics").read("shop", ["web-r1"])
