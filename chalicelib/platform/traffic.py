"""What the gateway counted: requests, errors and latency of each backend, read from a Prometheus server or a metrics page.

The counters only grow, so whoever reads takes the difference of two readings; a counter that shrank means that the
gateway was started anew. Two implementations give the same readings: `ScrapedMetrics` reads one gateway's own page, and
`prometheus.PrometheusMetrics` asks a Prometheus server that scrapes any number of them. Whatever is not a good answer is one
error, MetricsUnavailable: a rollout must never take silence for health.
"""

from __future__ import annotations

import http.client
import math
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import NamedTuple, Protocol

from chalicelib.platform.errors import MetricsUnavailable
from chalicelib.platform.frozen import dataclass

REQUESTS = "cygni_gateway_requests_total"
BUCKETS = "cygni_gateway_request_duration_seconds_bucket"
PODS = "cygni_gateway_pod_requests_total"
POD_ERRORS = "cygni_gateway_pod_errors_total"
TIMEOUT = 5.0
"""Seconds one HTTP request may take."""
_LIMIT = 32 * 1024 * 1024
_PIECE = 64 * 1024


@cache
def _opener() -> urllib.request.OpenerDirector:
    """Opens addresses as they are: metrics are inside the network, where a proxy for the outside has no business."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))  # which reads all certificates, so at first use


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of one backend since its gateway began to count.

    `errors` are those of `requests` that were answered 5xx. `buckets` pairs an upper bound in seconds with the number of
    requests that took at most that long; bounds ascend, and the last is infinite; they are empty where latency is not measured.
    `pods` has each pod's requests and errors where the source tells pods apart.
    """

    requests: int
    errors: int
    buckets: tuple[tuple[float, int], ...]
    pods: tuple[tuple[str, int, int], ...] = ()


class TrafficMetrics(Protocol):
    """A source of readings."""

    def read(self, namespace: str, backends: Sequence[str]) -> Mapping[str, Reading]:
        """The readings of these backends (names of Services); one that was never counted is absent.

        Raises MetricsUnavailable when the source does not answer, or its answer makes no sense.
        """

    def value(self, expression: str) -> float | None:
        """The one number that a PromQL expression gives now; None when it gives nothing, or nothing that is a number.

        Raises MetricsUnavailable when the source does not answer, knows no PromQL, or the expression gives several numbers.
        """


class Sample(NamedTuple):
    """One value of a series: whose it is, and its code or upper bound."""

    backend: str
    label: str
    value: float


class ScrapedMetrics:
    """Reads the metrics page of one gateway."""

    def __init__(self, url: str) -> None:
        self._url = url

    def read(self, namespace: str, backends: Sequence[str]) -> Mapping[str, Reading]:
        """See TrafficMetrics."""
        page = get_text(self._url)
        wanted = frozenset(backends)
        return combine(
            _page_samples(page, REQUESTS, "code", namespace, wanted),
            _page_samples(page, BUCKETS, "le", namespace, wanted),
            _page_samples(page, PODS, "pod", namespace, wanted),
            _page_samples(page, POD_ERRORS, "pod", namespace, wanted),
        )

    def value(self, expression: str) -> float | None:
        """See TrafficMetrics: a page answers no questions."""
        remedy = "Read the traffic metrics from a Prometheus server: CYGNI_METRICS_KIND=prometheus."
        raise MetricsUnavailable(f"A gateway's metrics page cannot answer {expression[:60]!r}.", remedy=remedy)


def combine(
    requests: Iterable[Sample],
    buckets: Iterable[Sample] | None,
    pods: Iterable[Sample] = (),
    pod_errors: Iterable[Sample] = (),
) -> dict[str, Reading]:
    """Readings from the samples of both metrics; samples of one series on several gateways add up.

    A backend that only one of the metrics knows is left out. `buckets` is None for a source that measures no latency by
    backend: then no reading has any. Raises MetricsUnavailable for values that cannot be counters.
    """
    answered: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for backend, code, value in requests:
        count = _count(value)
        answered[backend][0] += count
        answered[backend][1] += count if code.startswith("5") else 0
    spread: defaultdict[str, defaultdict[float, int]] = defaultdict(lambda: defaultdict(int))
    for backend, bound, value in buckets or ():
        spread[backend][_bound(bound)] += _count(value)
    by_pod: defaultdict[str, defaultdict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    for place, samples in enumerate((pods, pod_errors)):
        for backend, pod, value in samples:
            by_pod[backend][pod][place] += _count(value)
    return {
        backend: Reading(total, errors, () if buckets is None else _ascending(spread[backend]), _by_name(by_pod[backend]))
        for backend, (total, errors) in answered.items()
        if buckets is None or backend in spread
    }


def _by_name(pods: Mapping[str, list[int]]) -> tuple[tuple[str, int, int], ...]:
    return tuple((pod, requests, errors) for pod, (requests, errors) in sorted(pods.items()))


def _ascending(spread: Mapping[float, int]) -> tuple[tuple[float, int], ...]:
    buckets = tuple(sorted(spread.items()))
    if buckets[-1][0] != math.inf or any(one[1] > other[1] for one, other in pairwise(buckets)):
        raise MetricsUnavailable("The latency buckets of the traffic metrics do not add up.")
    return buckets


def _count(value: float) -> int:
    if not math.isfinite(value) or value < 0:
        raise MetricsUnavailable(f"A counter of the traffic metrics reads {value}.")
    return round(value)


def _bound(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MetricsUnavailable(f"A latency bucket of the traffic metrics has the bound {text!r}.") from None


def _page_samples(page: str, metric: str, label: str, namespace: str, backends: frozenset[str]) -> list[Sample]:
    """The samples of one metric on a page. Only its lines are parsed: a page may hold thousands of others."""
    from prometheus_client.parser import text_string_to_metric_families  # a reader of Prometheus servers does without

    lines = [line for line in page.splitlines() if line.startswith(metric + "{")]
    try:
        return [
            Sample(sample.labels["backend"], sample.labels[label], float(sample.value))
            for family in text_string_to_metric_families("\n".join(lines) + "\n")
            for sample in family.samples
            if sample.labels.get("namespace") == namespace and sample.labels.get("backend") in backends
        ]
    except (ValueError, KeyError, IndexError) as error:
        raise MetricsUnavailable(f"The metrics page cannot be read: {error}.") from None


def get_text(url: str, headers: Mapping[str, str] | None = None) -> str:
    """The body of a 200 answer, whole, within `TIMEOUT` seconds. Raises MetricsUnavailable."""
    if not url.startswith(("http://", "https://")):
        raise MetricsUnavailable("No address of traffic metrics is set.", remedy="Set CYGNI_METRICS_URL to an http address.")
    deadline = time.monotonic() + TIMEOUT
    body = bytearray()
    try:
        request = urllib.request.Request(url, headers=dict(headers or {}))  # noqa: S310 - http and https alone, see above
        with _opener().open(request, timeout=TIMEOUT) as answer:
            while piece := answer.read1(_PIECE):
                body += piece
                if len(body) > _LIMIT or time.monotonic() > deadline:
                    raise _unavailable(url, f"not whole after {TIMEOUT:g} s and {len(body)} bytes")
        if answer.status != 200 or answer.length:
            raise _unavailable(url, f"status {answer.status}, {answer.length or 0} bytes short")
        return body.decode()
    except urllib.error.HTTPError as error:
        error.close()
        raise _unavailable(url, f"status {error.code}") from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _unavailable(url, str(error) or type(error).__name__) from None


def _unavailable(url: str, why: str) -> MetricsUnavailable:
    return MetricsUnavailable(f"The traffic metrics at {url.partition('?')[0]} could not be read: {why}.")
