from __future__ import annotations

from typing import Any

import pytest

from cygni.local.gateway.objects import UNREADABLE, HeaderChange, Redirect, read_gateway, read_pod, read_route, read_service
from tests.cygni.local.gateway.builders import gateway, listener, pod, route, rule, service


def test_a_pods_host_ports_come_from_its_annotation() -> None:
    assert read_pod(pod(port=41873)).host_ports == {8080: 41873}


def test_a_pod_without_annotation_serves_its_container_ports() -> None:
    fact = read_pod(pod())
    assert (fact.ports, fact.host_ports, fact.ready) == ({"http": 8080}, {}, True)


@pytest.mark.parametrize("how", [{"ready": False}, {"deleting": True}])
def test_a_pod_that_is_not_ready_or_being_deleted_takes_no_requests(how: dict[str, bool]) -> None:
    assert not read_pod(pod(**how)).ready


def test_a_pod_without_status_is_not_ready() -> None:
    assert not read_pod({"metadata": {"namespace": "shop", "name": "web"}}).ready


@pytest.mark.parametrize("annotation", ["", "[]", "{", '{"http": 1}', '{"8080": "x"}'])
def test_an_unreadable_annotation_makes_the_pod_unreadable(annotation: str) -> None:
    thing = pod()
    thing["metadata"]["annotations"] = {"cygni.dev/host-ports": annotation}
    with pytest.raises(UNREADABLE):
        read_pod(thing)


def test_a_service_port_without_target_is_its_own_target() -> None:
    thing = service()
    del thing["spec"]["ports"][0]["targetPort"]
    assert read_service(thing).ports[0].target == 80


def test_a_rule_without_matches_takes_every_path() -> None:
    (match,) = read_route(route(rule())).rules[0].matches
    assert (match.path, match.exact) == ("/", False)


def test_a_backend_without_weight_has_weight_one() -> None:
    thing = route({"backendRefs": [{"name": "web-r1", "port": 80}]})
    assert read_route(thing).rules[0].backends[0].weight == 1


def test_a_trailing_slash_of_a_prefix_means_nothing() -> None:
    (match,) = read_route(route(rule(matches=[{"path": {"type": "PathPrefix", "value": "/shop/"}}]))).rules[0].matches
    assert match.path == "/shop"


def test_header_modifiers_are_read_with_lower_case_names() -> None:
    change = {"set": [{"name": "X-A", "value": "1"}], "add": [{"name": "X-B", "value": "2"}], "remove": ["X-C"]}
    filters = [
        {"type": "RequestHeaderModifier", "requestHeaderModifier": change},
        {"type": "ResponseHeaderModifier", "responseHeaderModifier": change},
    ]
    fact = read_route(route(rule(filters=filters))).rules[0]
    expected = HeaderChange((("x-a", "1"),), (("x-b", "2"),), frozenset({"x-c"}))
    assert (fact.request_headers, fact.response_headers, fact.problem) == (expected, expected, "")


@pytest.mark.parametrize("value", ["a\r\nSet-Cookie: x", "a\0", "ü"])
def test_a_header_value_that_would_break_the_head_makes_the_route_unreadable(value: str) -> None:
    change = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": value}]}}
    with pytest.raises(UNREADABLE):
        read_route(route(rule(filters=[change])))


def test_a_redirect_is_read() -> None:
    redirect = {"scheme": "https", "hostname": "x.y", "port": 8443, "statusCode": 301}
    fact = read_route(route({"filters": [{"type": "RequestRedirect", "requestRedirect": redirect}]})).rules[0]
    assert fact.redirect == Redirect(301, "https", "x.y", 8443)


@pytest.mark.parametrize(
    "part",
    [
        {"filters": [{"type": "URLRewrite", "urlRewrite": {}}]},
        {"filters": [{"type": "RequestRedirect", "requestRedirect": {"path": {"type": "ReplacePrefixMatch"}}}]},
        {"matches": [{"path": {"type": "RegularExpression", "value": ".*"}}]},
        {"matches": [{"headers": [{"type": "RegularExpression", "name": "x", "value": ".*"}]}]},
    ],
)
def test_what_is_not_supported_is_a_problem_of_the_rule_and_not_skipped(part: dict[str, Any]) -> None:
    assert "not supported" in read_route(route(rule(**part))).rules[0].problem


@pytest.mark.parametrize(
    "ref",
    [{"name": "x", "kind": "Bucket"}, {"name": "x", "namespace": "other"}, {"name": "x", "filters": [{"type": "URLRewrite"}]}],
)
def test_a_backend_that_cannot_be_served_keeps_its_weight_and_says_why(ref: dict[str, Any]) -> None:
    (backend,) = read_route(route({"backendRefs": [ref | {"port": 80, "weight": 5}]})).rules[0].backends
    assert backend.problem
    assert backend.weight == 5


@pytest.mark.parametrize(
    ("timeouts", "seconds"),
    [({}, 0.0), ({"request": "10s"}, 10.0), ({"request": "1m30s", "backendRequest": "500ms"}, 0.5), ({"request": "0s"}, 0.0)],
)
def test_the_shorter_timeout_counts(timeouts: dict[str, str], seconds: float) -> None:
    assert read_route(route(rule(timeouts=timeouts))).rules[0].timeout == seconds


@pytest.mark.parametrize("duration", ["10", "s", "1.5s", "10s "])
def test_a_malformed_duration_makes_the_route_unreadable(duration: str) -> None:
    with pytest.raises(UNREADABLE):
        read_route(route(rule(timeouts={"request": duration})))


def test_a_listener_that_admits_by_selector_admits_nobody() -> None:
    selecting, plain = read_gateway(gateway(listener(admits="Selector"), listener())).listeners
    assert "not supported" in selecting.problem
    assert not plain.problem
