"""What the gateway counts, in Prometheus' words: requests and their duration per backend, from the first sight of a route.

A backend's series begin at zero as soon as a route refers to it, so that "no traffic" reads as 0 and not as "unknown". They
are dropped when no route has referred to the backend for `KEEP` seconds: time enough to read the last of a rolled-back release.
Requests are counted by pod as well, and the failed ones among them: one bad pod of many is not a bad release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cygni.local.gateway.table import SeriesKey

KEEP = 900.0
BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5,
    0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 5.0, 7.5, 10.0, 30.0, 60.0,
)  # fmt: skip
CODES = ("1xx", "2xx", "3xx", "4xx", "5xx")
_LABELS = ("namespace", "route", "backend")


class PodKey(NamedTuple):
    """A pod as it is counted; `pod` is its uid."""

    namespace: str
    backend: str
    pod: str


class Series:
    """The counters of one backend, looked up once."""

    __slots__ = ("_codes", "_duration", "_gone")

    def __init__(self, requests: Counter, duration: Histogram, gone: Counter, key: SeriesKey) -> None:
        self._codes = [requests.labels(*key, code) for code in CODES]
        self._duration = duration.labels(*key)
        self._gone = gone.labels(*key)

    def observe(self, status: int, seconds: float) -> None:
        """Counts one answered request."""
        self._codes[min(max(status // 100, 1), 5) - 1].inc()
        self._duration.observe(seconds)

    def client_gone(self, seconds: float) -> None:
        """Counts a request whose client left before its answer was complete: nobody's error, filed under 4xx."""
        self._gone.inc()
        self.observe(499, seconds)


class Metrics:
    """All series of a gateway, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        pages = self.registry
        self._requests = Counter(
            "cygni_gateway_requests_total", "Requests answered, by class of status.", (*_LABELS, "code"), registry=pages
        )
        self._duration = Histogram(
            "cygni_gateway_request_duration_seconds",
            "Seconds from the request's arrival to the last byte of its answer.",
            _LABELS,
            buckets=BUCKETS,
            registry=pages,
        )
        self._gone = Counter(
            "cygni_gateway_client_disconnects_total",
            "Requests whose client left early; also in code 4xx.",
            _LABELS,
            registry=pages,
        )
        self._stale = Counter(
            "cygni_gateway_stale_connections_total",
            "Kept connections that a pod closed as a request was sent on them.",
            registry=pages,
        )
        self._pod_requests = Counter(
            "cygni_gateway_pod_requests_total", "Requests that were sent to a pod.", PodKey._fields, registry=pages
        )
        self._pod_errors = Counter(
            "cygni_gateway_pod_errors_total", "Requests sent to a pod that were answered 5xx.", PodKey._fields, registry=pages
        )
        self._generation = Gauge("cygni_gateway_config_generation", "How often the routing table was replaced.", registry=pages)
        self._active = Gauge("cygni_gateway_active_requests", "Requests and upgraded connections in flight.", registry=pages)
        self._series: dict[SeriesKey, Series] = {}
        self._seen: dict[SeriesKey, float] = {}
        self._pods: dict[PodKey, tuple[Counter, Counter]] = {}
        self._pods_seen: dict[PodKey, float] = {}

    def count_active(self, active: Callable[[], int]) -> None:
        """Reads the number of requests in flight from `active` whenever the page is asked for."""
        self._active.set_function(active)

    def series(self, key: SeriesKey) -> Series:
        """The counters of a backend, begun at zero when they are new."""
        found = self._series.get(key)
        if found is None:
            found = self._series[key] = Series(self._requests, self._duration, self._gone, key)
        return found

    def count_pod(self, key: PodKey, status: int) -> None:
        """Counts a request that a pod was sent, by the status that its client was answered."""
        found = self._pods.get(key)
        if found is None:
            found = self._pods[key] = self._pod_requests.labels(*key), self._pod_errors.labels(*key)
        found[0].inc()
        if status >= 500:
            found[1].inc()

    def stale_connection(self) -> None:
        """Counts a kept connection that was replaced by a fresh one before the pod took the request."""
        self._stale.inc()

    def table_replaced(self, referred: Iterable[SeriesKey], now: float, *, pods: Iterable[PodKey] = ()) -> None:
        """Begins the series of every backend that is referred to, and drops those that have not been for `KEEP` seconds.

        So do those of pods that are not among the ones that may be sent requests. `now` is monotonic seconds.
        """
        self._generation.inc()
        for key in referred:
            self.series(key)
            self._seen[key] = now
        for key in self._series:  # those of answers without a backend are not referred to, and still have to go one day
            if key.namespace:
                self._seen.setdefault(key, now)
        for key in [each for each, seen in self._seen.items() if now - seen > KEEP]:
            del self._seen[key]
            self._drop(key)
        self._pods_seen = {key: self._pods_seen.get(key, now) for key in self._pods} | dict.fromkeys(pods, now)
        for pod in [each for each, seen in self._pods_seen.items() if now - seen > KEEP]:
            del self._pods_seen[pod]
            if self._pods.pop(pod, None) is not None:
                self._pod_requests.remove(*pod)
                self._pod_errors.remove(*pod)

    def page(self) -> bytes:
        """The page in Prometheus' text format."""
        return generate_latest(self.registry)

    def _drop(self, key: SeriesKey) -> None:
        if self._series.pop(key, None) is not None:
            for code in CODES:
                self._requests.remove(*key, code)
            self._duration.remove(*key)
            self._gone.remove(*key)
