"""Traffic metrics from a Prometheus server: reached at an address, with requests signed for Amazon's managed one, or through
the Kubernetes API server's proxy to a Service.

All gateways' metrics are read alike, by the presets of `gateways`. Whatever is not a good answer is MetricsUnavailable.
"""

from __future__ import annotations

import json
import math
import time
import urllib.parse
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from chalicelib.platform.errors import CygniError, MetricsUnavailable
from chalicelib.platform.gateways import PRESETS, Asked, Preset, Query, named
from chalicelib.platform.traffic import Reading, Sample, ScrapedMetrics, TrafficMetrics, combine, get_text

if TYPE_CHECKING:
    from chalicelib.platform.kube import KubernetesCluster
    from chalicelib.platform.settings import Settings

T = TypeVar("T")
Fetch = Callable[[str, Mapping[str, str]], str]
"""(path, query) → the body of a 200 answer. Raises MetricsUnavailable."""

SERVICE_SCHEME = "service"
AWS_SERVICE = "aps"
_QUERY = "/api/v1/query"


def traffic_metrics(known: Settings) -> TrafficMetrics:
    """The source that the settings name. ValueError, naming the setting, when they do not fit together."""
    if known.metrics_kind == "scrape":
        return ScrapedMetrics(known.metrics_url)
    if known.metrics_kind != "prometheus":
        raise ValueError(f"CYGNI_METRICS_KIND must be scrape or prometheus, not {known.metrics_kind!r}")
    if known.metrics_preset not in PRESETS:
        raise ValueError(f"CYGNI_METRICS_PRESET must be one of {', '.join(PRESETS)}, not {known.metrics_preset!r}")
    return preset_metrics(_fetch_for(known), known.metrics_preset)


def preset_metrics(fetch: Fetch, preset: str) -> PrometheusMetrics:
    """What a server knows of the gateway that a preset names."""
    return PrometheusMetrics(fetch, PRESETS[preset])


def _fetch_for(known: Settings) -> Fetch:
    if known.metrics_region:
        return signed(known.metrics_url, known.metrics_region)
    if urlsplit(known.metrics_url).scheme == SERVICE_SCHEME:
        return through_service(known.metrics_url, lambda: _cluster(known.kubeconfig))
    return at(known.metrics_url)


class PrometheusMetrics:
    """Asks a Prometheus server by instant queries that are evaluated at the same moment."""

    def __init__(self, fetch: Fetch, preset: Preset, clock: Callable[[], float] = time.time) -> None:
        self._fetch, self._preset, self._clock = fetch, preset, clock

    def read(self, namespace: str, backends: Sequence[str]) -> Mapping[str, Reading]:
        """See TrafficMetrics. `buckets` are empty where the gateway does not measure latency by backend."""
        if not backends:
            return {}
        preset, now = self._preset, self._clock()
        asked = [Asked(namespace, each, now) for each in backends]
        requests, moment = self._samples(preset.requests, asked, "code", f"{now:.3f}" if preset.at_moment else "")
        if not requests:
            return {}
        pods, pod_errors = (
            self._samples(query, asked, "pod", moment)[0] if query else () for query in (preset.pods, preset.pod_errors)
        )
        if preset.buckets is None:
            return combine(requests, None, pods, pod_errors)
        buckets, _ = self._samples(preset.buckets, asked, "le", moment)
        return combine(requests, [_in_seconds(each, preset.per_second) for each in buckets], pods, pod_errors)

    def value(self, expression: str) -> float | None:
        """See TrafficMetrics."""
        values = self._ask({"query": expression}, _numbers)
        if len(values) > 1:
            raise MetricsUnavailable(
                f"The query gives {len(values)} numbers, not one.", remedy="Aggregate it: sum(…) or max(…)."
            )
        return values[0] if values and math.isfinite(values[0]) else None

    def _samples(self, query: Query, asked: Sequence[Asked], label: str, moment: str) -> tuple[list[Sample], str]:
        """The samples of a query for each backend, and the moment they were evaluated at."""
        expression = " or ".join(named(query(each), "backend", each.backend) for each in asked)
        sent = {"query": expression} | ({"time": moment} if moment else {})
        return self._ask(sent, lambda answer: _vector_samples(answer, label))

    def _ask(self, sent: Mapping[str, str], read: Callable[[Mapping[str, Any]], T]) -> T:
        text = self._fetch(_QUERY, sent)
        try:
            return read(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise MetricsUnavailable("What answers for Prometheus is not a Prometheus server.") from None


def at(url: str) -> Fetch:
    """Asks the server at a base address."""
    base = url.rstrip("/")
    return lambda path, query: get_text(f"{base}{path}?{_encoded(query)}")


def signed(url: str, region: str) -> Fetch:
    """Asks a workspace of Amazon Managed Service for Prometheus: requests are signed with this process's own credentials."""
    base = url.rstrip("/")

    def fetch(path: str, query: Mapping[str, str]) -> str:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest

        credentials = _credentials()
        if credentials is None:
            remedy = "Give the process a role that may aps:QueryMetrics."
            raise MetricsUnavailable("There are no AWS credentials to sign metrics requests with.", remedy=remedy)
        request = AWSRequest("GET", f"{base}{path}?{_encoded(query)}")
        SigV4Auth(credentials.get_frozen_credentials(), AWS_SERVICE, region).add_auth(request)
        return get_text(request.url, dict(request.headers))

    return fetch


def through_service(url: str, cluster: Callable[[], KubernetesCluster]) -> Fetch:
    """Asks a server inside the cluster by way of the API server: `service://namespace/name:port`, and a path if it has one.

    `https:name:port` is spoken to with TLS. `cluster` is called at the first request. ValueError for another form of address.
    """
    parts = urlsplit(url)
    namespace, (service, _, prefix) = parts.netloc, parts.path.lstrip("/").partition("/")
    if parts.scheme != SERVICE_SCHEME or not namespace or ":" not in service:
        raise ValueError(f"CYGNI_METRICS_URL must be service://namespace/name:port, not {url!r}")
    root = f"/{prefix.strip('/')}" if prefix.strip("/") else ""

    def fetch(path: str, query: Mapping[str, str]) -> str:
        try:
            return cluster().ask_service(namespace, service, root + path, query)
        except CygniError as error:
            raise MetricsUnavailable(f"The traffic metrics at {url} could not be read: {error}") from error

    return fetch


def seen_inside(url: str) -> str:
    """The address at which a cluster's own pods find a server: that of its Service, or what is an http address already.

    "" for what they cannot ask.
    """
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        return url.rstrip("/")
    service, _, prefix = parts.path.lstrip("/").partition("/")
    if parts.scheme != SERVICE_SCHEME or not parts.netloc or ":" not in service:
        return ""
    *tls, name, port = service.split(":")
    if not port.isdecimal():  # only the API server's proxy knows ports by name
        return ""
    scheme = "https" if tls == ["https"] else "http"
    return f"{scheme}://{name}.{parts.netloc}.svc:{port}/{prefix}".rstrip("/")


@cache
def _cluster(kubeconfig: str) -> KubernetesCluster:
    from chalicelib.platform.kube import KubernetesCluster  # its client takes half a second to load

    return KubernetesCluster.from_kubeconfig(kubeconfig, read_seconds=5.0)


@cache
def _credentials() -> Any:
    from botocore.session import get_session

    return get_session().get_credentials()


def _encoded(query: Mapping[str, str]) -> str:
    """As SigV4 wants it too: a space is %20."""
    return urllib.parse.urlencode(query, quote_via=urllib.parse.quote, safe="-_.~")


def _in_seconds(sample: Sample, per_second: float) -> Sample:
    """A bucket whose bound the gateway gives in another unit. A bound that is no number stays, for `combine` to refuse."""
    try:
        return sample._replace(label=repr(float(sample.label) / per_second)) if per_second != 1.0 else sample
    except ValueError:
        return sample


def _vector_samples(answer: Mapping[str, Any], label: str) -> tuple[list[Sample], str]:
    """The samples of an instant vector, and their moment. Raises ValueError or KeyError for any other answer."""
    samples, moment = [], ""
    for each in _result(answer, "vector"):
        at, value = each["value"]
        moment = str(at)
        samples.append(Sample(each["metric"]["backend"], each["metric"][label], float(value)))
    return samples, moment


def _numbers(answer: Mapping[str, Any]) -> list[float]:
    """The numbers of a scalar or an instant vector. Raises ValueError or KeyError for any other answer."""
    if answer["data"]["resultType"] == "scalar":
        return [float(_result(answer, "scalar")[1])]
    return [float(each["value"][1]) for each in _result(answer, "vector")]


def _result(answer: Mapping[str, Any], kind: str) -> list[Any]:
    data = answer["data"]
    if answer["status"] != "success" or data["resultType"] != kind:
        raise ValueError(f"not a {kind}")
    found: list[Any] = data["result"]
    return found
