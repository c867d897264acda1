from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from cygni.local.gateway.metrics import BUCKETS, KEEP, Metrics, PodKey
from cygni.local.gateway.table import SeriesKey

WEB = SeriesKey("shop", "web", "web-r2")


def samples(metrics: Metrics, name: str) -> dict[str, float]:
    """The samples of a metric by their last label (code, le or backend)."""
    families = text_string_to_metric_families(metrics.page().decode())
    found = [sample for family in families for sample in family.samples if sample.name == name]
    return {each.labels.get("code") or each.labels.get("le") or each.labels.get("backend", ""): each.value for each in found}


def test_a_backend_reads_as_zero_from_the_first_sight_of_its_route() -> None:
    metrics = Metrics()
    metrics.table_replaced([WEB], now=0)
    assert samples(metrics, "cygni_gateway_requests_total") == {f"{n}xx": 0 for n in range(1, 6)}
    assert samples(metrics, "cygni_gateway_request_duration_seconds_count") == {"web-r2": 0}


def test_a_request_is_counted_by_class_and_duration() -> None:
    metrics = Metrics()
    metrics.series(WEB).observe(204, 0.2)
    buckets = samples(metrics, "cygni_gateway_request_duration_seconds_bucket")
    assert samples(metrics, "cygni_gateway_requests_total")["2xx"] == 1
    assert (buckets["0.15"], buckets["0.2"], buckets["+Inf"]) == (0, 1, 1)
    assert len(buckets) == len(BUCKETS) + 1


def test_a_client_that_left_is_nobodys_error() -> None:
    metrics = Metrics()
    metrics.series(WEB).client_gone(1.0)
    codes = samples(metrics, "cygni_gateway_requests_total")
    assert (codes["4xx"], codes["5xx"]) == (1, 0)
    assert samples(metrics, "cygni_gateway_client_disconnects_total") == {"web-r2": 1}


def test_labels_name_namespace_route_and_backend() -> None:
    metrics = Metrics()
    metrics.series(WEB).observe(200, 0.1)
    assert b'cygni_gateway_requests_total{backend="web-r2",code="2xx",namespace="shop",route="web"} 1.0' in metrics.page()


def test_series_outlive_their_route_long_enough_to_be_read_and_then_go() -> None:
    metrics = Metrics()
    metrics.table_replaced([WEB], now=0)
    metrics.table_replaced([], now=KEEP)
    assert samples(metrics, "cygni_gateway_requests_total")
    metrics.table_replaced([], now=KEEP + 1)
    assert not samples(metrics, "cygni_gateway_requests_total")
    assert not samples(metrics, "cygni_gateway_request_duration_seconds_count")


def test_series_of_a_route_without_a_backend_go_too() -> None:
    metrics = Metrics()
    metrics.series(SeriesKey("shop", "web", "")).observe(503, 0.1)
    metrics.table_replaced([], now=0)
    assert samples(metrics, "cygni_gateway_requests_total")["5xx"] == 1
    metrics.table_replaced([], now=KEEP + 1)
    assert not samples(metrics, "cygni_gateway_requests_total")


def test_a_backend_that_comes_back_goes_on_counting() -> None:
    metrics = Metrics()
    metrics.table_replaced([WEB], now=0)
    metrics.series(WEB).observe(200, 0.1)
    metrics.table_replaced([], now=KEEP / 2)
    metrics.table_replaced([WEB], now=KEEP)
    metrics.table_replaced([WEB], now=KEEP * 1.6)
    assert samples(metrics, "cygni_gateway_requests_total")["2xx"] == 1


def test_the_generation_counts_tables_and_active_is_asked_for() -> None:
    metrics = Metrics()
    metrics.count_active(lambda: 7)
    metrics.table_replaced([], now=0)
    assert samples(metrics, "cygni_gateway_config_generation") == {"": 1}
    assert samples(metrics, "cygni_gateway_active_requests") == {"": 7}


def by_pod(metrics: Metrics, name: str) -> dict[str, float]:
    families = text_string_to_metric_families(metrics.page().decode())
    return {each.labels["pod"]: each.value for family in families for each in family.samples if each.name == name}


def test_requests_are_counted_by_pod_and_the_failed_ones_among_them() -> None:
    metrics = Metrics()
    for status in (200, 404, 503):
        metrics.count_pod(PodKey("shop", "web-r2", "a"), status)
    metrics.count_pod(PodKey("shop", "web-r2", "b"), 200)

    assert by_pod(metrics, "cygni_gateway_pod_requests_total") == {"a": 3, "b": 1}
    assert by_pod(metrics, "cygni_gateway_pod_errors_total") == {"a": 1, "b": 0}


def test_a_pods_series_outlive_it_long_enough_to_be_read_and_then_go() -> None:
    metrics, gone, there = Metrics(), PodKey("shop", "web-r2", "a"), PodKey("shop", "web-r2", "b")
    for key in (gone, there):
        metrics.count_pod(key, 200)
    metrics.table_replaced([WEB], now=0, pods=[gone, there])
    metrics.table_replaced([WEB], now=KEEP, pods=[there])
    assert set(by_pod(metrics, "cygni_gateway_pod_requests_total")) == {"a", "b"}

    metrics.table_replaced([WEB], now=KEEP + 1, pods=[there])
    assert set(by_pod(metrics, "cygni_gateway_pod_requests_total")) == {"b"}
