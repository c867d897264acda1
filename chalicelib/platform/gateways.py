"""What each gateway counts, as PromQL that gives every one's counts in the same form. Pure.

A preset asks about one backend at a time (a Service, by namespace and name) and gets a vector with one value for each `code`,
one with a value for each `le`, and two with a value for each `pod`: cumulative counts, as the gateway keeps them.

1. Names are matched as text, never as patterns of the caller's.
2. A series that is no longer scraped counts with its last value for `KEPT`: a gateway's own pods come and go, and their sum
   must not fall, which would read as a restart of all of them.
3. What a gateway does not count of a backend is not made up. Such a preset has no buckets, and latency is then judged by a
   gate with a query of one's own; or no pods.

The forms of the names were read in the gateways' sources: Envoy Gateway 1.5, Istio's standard metrics, Traefik 3.5, NGINX
Gateway Fabric 2, AWS Load Balancer Controller 2.14, CloudWatch by YACE. `docs/clusters.md` says what each has to be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

KEPT = "1h"
RATED = "1m"
"""Over which time a rate is taken."""
PORT = 80
"""The port that every release's Service has, which some gateways have in their names."""
_DAY = 86_400


class Asked(NamedTuple):
    """One backend, and the moment of asking in Unix seconds."""

    namespace: str
    backend: str
    now: float


Query = Callable[[Asked], str]
Over = Callable[[str], str]
"""A selector → the vector of it that a query is about: counts as they stand, or their rate."""


@dataclass(frozen=True, slots=True)
class Preset:
    """How one gateway's counters are read.

    `rate` gives one number, the requests a second over the last minute: what an autoscaler of the cluster's own can ask for.
    `requests` gives a value for each `code` (`503`, or `5xx`), `buckets` one for each `le`, of which `per_second` are a second,
    `pods` and `pod_errors` one for each `pod`. `at_moment` asks for the evaluation at the caller's own time, since the query
    depends on it.
    """

    name: str
    requests: Query
    buckets: Query | None = None
    pods: Query | None = None
    pod_errors: Query | None = None
    per_second: float = 1.0
    at_moment: bool = False
    rate: Query | None = None


def quoted(text: str) -> str:
    """A PromQL string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def pattern(text: str) -> str:
    """A regular expression that takes this text only."""
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)


def named(vector: str, label: str, value: str) -> str:
    """A vector with a label set."""
    return f'label_replace({vector}, {quoted(label)}, {quoted(value.replace("$", "$$"))}, "", "")'


def _select(metric: str, **labels: str) -> str:
    return f"{metric}{{{','.join(f'{name}={quoted(value)}' for name, value in labels.items())}}}"


def _kept(selector: str) -> str:
    return f"last_over_time({selector}[{KEPT}])"


def _rated(selector: str) -> str:
    return f"rate({selector}[{RATED}])"


def _by(wanted: str, vector: str, label: str) -> str:
    """Summed by a label that this gateway has under another name."""
    return f'sum by ({wanted}) (label_replace({vector}, {quoted(wanted)}, "$1", {quoted(label)}, "(.*)"))'


def _cygni(metric: str, label: str) -> Query:
    def ask(asked: Asked) -> str:
        selector = _select(metric, namespace=asked.namespace, backend=asked.backend)
        return f"sum by ({label}) ({_kept(selector)})"

    return ask


def _cygni_rate(asked: Asked) -> str:
    selector = _select("cygni_gateway_requests_total", namespace=asked.namespace, backend=asked.backend)
    return f"sum({_rated(selector)})"


def _istio(metric: str, asked: Asked, over: Over = _kept) -> str:
    """As the gateway's own proxy reports it: once for each request, whether or not the pod has a proxy too."""
    to = {"destination_service_namespace": asked.namespace, "destination_service_name": asked.backend}
    return over(_select(metric, reporter="source", **to))


def _traefik(metric: str, asked: Asked, over: Over = _kept) -> str:
    """Traefik joins namespace, Service and port by single hyphens, whatever was between the letters."""
    parts = re.split(r"[^a-z0-9]+", f"{asked.namespace}-{asked.backend}-http-{PORT}")
    return over(_select(metric, service=f"{'-'.join(part for part in parts if part)}@kubernetesgateway"))


def _nginx(asked: Asked, over: Over = _kept, **labels: str) -> str:
    name = f"{asked.namespace}_{asked.backend}_{PORT}"
    return over(_select("nginx_http_upstream_peer_responses_total", nginx_upstream_name=name, **labels))


def _envoy(asked: Asked, metric: str, over: Over = _kept) -> str:
    """By pod. Envoy Gateway has one cluster for all backends of a rule, and tells only their endpoints apart: whose an
    endpoint is, kube-state-metrics knows. Pods of a Deployment have its name and two parts more."""
    pod = rf"{pattern(asked.backend)}-[a-z0-9]+-[a-z0-9]+"
    mine = f"max by (pod_ip, pod) (kube_pod_info{{namespace={quoted(asked.namespace)},pod=~{quoted(pod)}}})"
    cluster = f"{{envoy_cluster_name=~{quoted(f'httproute/{pattern(asked.namespace)}/.+')}}}"
    address = quoted(r"\[?([^\]]+)\]?:[0-9]+")
    found = f'label_replace({over(metric + cluster)}, "pod_ip", "$1", "envoy_endpoint_address", {address})'
    return f"sum by (pod) (sum by (pod_ip) ({found}) * on (pod_ip) group_left (pod) {mine})"


_ENVOY_GOOD, _ENVOY_BAD = "envoy_cluster_endpoint_rq_success", "envoy_cluster_endpoint_rq_error"


def _envoy_codes(asked: Asked) -> str:
    good, bad = (f"sum ({_envoy(asked, metric)})" for metric in (_ENVOY_GOOD, _ENVOY_BAD))
    return f"{named(good, 'code', '2xx')} or {named(bad, 'code', '5xx')}"


def _envoy_rate(asked: Asked) -> str:
    good, bad = (f"(sum ({_envoy(asked, metric, _rated)}) or vector(0))" for metric in (_ENVOY_GOOD, _ENVOY_BAD))
    return f"{good} + {bad}"


def _envoy_pods(asked: Asked) -> str:
    good, bad = _envoy(asked, _ENVOY_GOOD), _envoy(asked, _ENVOY_BAD)
    return f"({good} + on (pod) {bad}) or {good} or {bad}"


def _aws(asked: Asked) -> str:
    """CloudWatch has a number for each minute, so what passed since midnight (UTC) is their sum: a counter that begins again
    once a day. The controller's own tag says which Service a target group is for; a minute without errors has no number."""
    since = max(60, int(asked.now) % _DAY)
    resource = f".+:HTTPRoute-{pattern(asked.namespace)}-{pattern(asked.backend)}:.+"

    def total(metric: str) -> str:
        labels = f'tag_gateway_k8s_aws_alb_resource=~{quoted(resource)},dimension_AvailabilityZone=""'
        return f"sum (sum_over_time(aws_applicationelb_{metric}_sum{{{labels}}}[{since}s]))"

    requests, errors = total("request_count"), total("httpcode_target_5_xx_count")
    return f"{named(f'({requests} - {errors}) or {requests}', 'code', 'other')} or {named(errors, 'code', '5xx')}"


_ALL = (
    Preset(
        "cygni",
        requests=_cygni("cygni_gateway_requests_total", "code"),
        buckets=_cygni("cygni_gateway_request_duration_seconds_bucket", "le"),
        pods=_cygni("cygni_gateway_pod_requests_total", "pod"),
        pod_errors=_cygni("cygni_gateway_pod_errors_total", "pod"),
        rate=_cygni_rate,
    ),
    Preset(
        "envoy-gateway",
        requests=_envoy_codes,
        pods=_envoy_pods,
        pod_errors=lambda asked: _envoy(asked, _ENVOY_BAD),
        rate=_envoy_rate,
    ),
    Preset(
        "istio",
        requests=lambda asked: _by("code", _istio("istio_requests_total", asked), "response_code"),
        buckets=lambda asked: f"sum by (le) ({_istio('istio_request_duration_milliseconds_bucket', asked)})",
        per_second=1000.0,
        rate=lambda asked: f"sum({_istio('istio_requests_total', asked, _rated)})",
    ),
    Preset(
        "traefik",
        requests=lambda asked: f"sum by (code) ({_traefik('traefik_service_requests_total', asked)})",
        buckets=lambda asked: f"sum by (le) ({_traefik('traefik_service_request_duration_seconds_bucket', asked)})",
        rate=lambda asked: f"sum({_traefik('traefik_service_requests_total', asked, _rated)})",
    ),
    Preset(
        "nginx-gateway-fabric",
        requests=lambda asked: _by("code", _nginx(asked), "nginx_status_range"),
        pods=lambda asked: _by("pod", _nginx(asked), "nginx_peer_address"),
        pod_errors=lambda asked: _by("pod", _nginx(asked, nginx_status_range="5xx"), "nginx_peer_address"),
        rate=lambda asked: f"sum({_nginx(asked, _rated)})",
    ),
    Preset("aws-load-balancer-controller", requests=_aws, at_moment=True),
)
PRESETS: Mapping[str, Preset] = {each.name: each for each in _ALL}
"""By the name that `CYGNI_METRICS_PRESET` has."""
