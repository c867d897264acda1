"""The queries of each gateway's preset. What a Prometheus server makes of them: test_real_prometheus.py."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.gateways import PORT, PRESETS, Asked, Preset, named
from chalicelib.platform.settings import Settings
from chalicelib.runtime.rules import weights_route
from tests.chalicelib.runtime.builders import TARGET

NOON = 1_795_478_400.0 - 1_795_478_400 % 86_400 + 43_200
ASKED = Asked("shop-prod", "web-r3", NOON)
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def queries(preset: Preset, asked: Asked) -> list[str]:
    asks = (preset.requests, preset.buckets, preset.pods, preset.pod_errors, preset.rate)
    return [each(asked) for each in asks if each is not None]


@pytest.mark.parametrize(
    ("preset", "named_by"),
    [
        ("cygni", 'cygni_gateway_requests_total{namespace="shop-prod",backend="web-r3"}'),
        ("istio", 'istio_requests_total{reporter="source",destination_service_namespace="shop-prod",'),
        ("traefik", 'traefik_service_requests_total{service="shop-prod-web-r3-http-80@kubernetesgateway"}'),
        ("nginx-gateway-fabric", 'nginx_http_upstream_peer_responses_total{nginx_upstream_name="shop-prod_web-r3_80"}'),
        ("envoy-gateway", 'envoy_cluster_endpoint_rq_error{envoy_cluster_name=~"httproute/shop-prod/.+"}'),
        (
            "aws-load-balancer-controller",
            'request_count_sum{tag_gateway_k8s_aws_alb_resource=~".+:HTTPRoute-shop-prod-web-r3:.+"',
        ),
    ],
)
def test_a_backend_is_named_as_the_gateway_names_it(preset: str, named_by: str) -> None:
    assert named_by in PRESETS[preset].requests(ASKED)


def test_traefik_knows_no_two_hyphens_in_a_row() -> None:
    asked = PRESETS["traefik"].requests(Asked("a--b", "web-r3", NOON))

    assert 'service="a-b-web-r3-http-80@kubernetesgateway"' in asked


def test_what_cloudwatch_counted_is_summed_since_midnight() -> None:
    query = PRESETS["aws-load-balancer-controller"].requests

    assert set(re.findall(r"\[(\d+)s\]", query(ASKED))) == {"43200"}
    assert set(re.findall(r"\[(\d+)s\]", query(ASKED._replace(now=NOON + 43_205)))) == {"60"}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
@given(name=st.text(alphabet='ab-.\\"{}()|*+?^$[]\n', min_size=1, max_size=12))
def test_a_name_cannot_leave_its_quotes(preset: Preset, name: str) -> None:
    harmless = [_STRING.sub('""', each) for each in queries(preset, ASKED)]

    assert [_STRING.sub('""', each) for each in queries(preset, Asked(name, name, NOON))] == harmless
    assert _STRING.sub('""', named("v", "backend", name)) == 'label_replace(v, "", "", "", "")'


def test_the_port_is_the_one_that_routes_name() -> None:
    (rule,) = weights_route(TARGET, {1: 100}, "host")["spec"]["rules"]

    assert {each["port"] for each in rule["backendRefs"]} == {PORT}


def test_the_setting_names_every_preset() -> None:
    (told,) = [each.metadata["sentence"] for each in fields(Settings) if each.name == "metrics_preset"]

    assert [name for name in PRESETS if name not in told] == []
