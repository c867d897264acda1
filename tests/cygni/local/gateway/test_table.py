from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.gateway.table import Table
from tests.cygni.local.gateway.builders import gateway, listener, pod, route, rule, service, table


def served_by(found: Table, host: str, path: str = "/", method: str = "GET", query: str = "", **headers: str) -> str:
    match = found.match(host, path, method, {name.replace("_", "-"): value for name, value in headers.items()}, query)
    return match.rule.key[1] if match.rule else ""


def prefix(value: str, **others: Any) -> dict[str, Any]:
    return {"path": {"type": "PathPrefix", "value": value}, **others}


def header(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def test_an_endpoint_is_the_pods_address_and_the_host_port_of_its_annotation() -> None:
    found = table(route(), pods=[pod(port=41873)])
    (endpoint,) = found.endpoints()
    assert (endpoint.host, endpoint.port) == ("127.0.0.1", 41873)


@pytest.mark.parametrize(("target", "port"), [("http", 8080), (9090, 9090)])
def test_without_annotation_the_target_port_is_the_pods_own(target: int | str, port: int) -> None:
    (endpoint,) = table(route(), services=[service(target=target)]).endpoints()
    assert endpoint.port == port


def test_a_port_name_that_the_pod_does_not_have_makes_no_endpoint() -> None:
    assert not table(route(), services=[service(target="grpc")]).endpoints()


@pytest.mark.parametrize("away", [pod(ready=False), pod(deleting=True), pod(app="other"), pod(namespace="elsewhere")])
def test_only_ready_pods_that_the_service_selects_are_endpoints(away: dict[str, Any]) -> None:
    assert not table(route(), pods=[away]).endpoints()


def test_a_service_without_selector_selects_nobody() -> None:
    thing = service()
    thing["spec"]["selector"] = {}
    assert not table(route(), services=[thing]).endpoints()


def test_the_exact_host_wins_over_the_wildcard_and_the_longer_wildcard_over_the_shorter() -> None:
    found = table(route(name="any", hosts=["*.x"]), route(name="deeper", hosts=["*.a.x"]), route(name="exact", hosts=["b.a.x"]))
    assert [served_by(found, host) for host in ("b.a.x", "c.a.x", "c.x", "x")] == ["exact", "deeper", "any", ""]


def test_a_route_without_hostnames_takes_every_host() -> None:
    found = table(route(name="all", hosts=[]), route(name="one", hosts=["a.x"]))
    assert [served_by(found, host) for host in ("a.x", "z", "")] == ["one", "all", "all"]


def test_a_request_that_the_exact_hosts_rules_do_not_take_falls_to_the_wildcard() -> None:
    found = table(route(name="any", hosts=["*.x"]), route(rule(matches=[prefix("/api")]), name="api", hosts=["a.x"]))
    assert [served_by(found, "a.x", path) for path in ("/api", "/")] == ["api", "any"]


def test_the_more_precise_path_wins_whatever_the_order() -> None:
    exact = {"path": {"type": "Exact", "value": "/a/b"}}
    found = table(
        route(rule(matches=[prefix("/")]), name="root"),
        route(rule(matches=[prefix("/a")]), name="prefix"),
        route(rule(matches=[exact]), name="exact"),
    )
    paths = ("/a/b", "/a/b/c", "/a", "/ab", "/")
    assert [served_by(found, "shop.localhost", path) for path in paths] == ["exact", "prefix", "prefix", "root", "root"]


def test_after_the_path_the_method_then_headers_then_query_parameters_decide() -> None:
    found = table(
        route(rule(matches=[prefix("/")]), name="plain"),
        route(rule(matches=[prefix("/", queryParams=[header("v", "2")])]), name="query"),
        route(rule(matches=[prefix("/", headers=[header("X-A", "1")])]), name="header"),
        route(rule(matches=[prefix("/", headers=[header("X-A", "1"), header("X-B", "1")])]), name="headers"),
        route(rule(matches=[prefix("/", method="POST")]), name="method"),
    )
    host = "shop.localhost"
    assert served_by(found, host, query="v=2") == "query"
    assert served_by(found, host, query="v=2", x_a="1") == "header"
    assert served_by(found, host, x_a="1", x_b="1") == "headers"
    assert served_by(found, host, method="POST", x_a="1", x_b="1") == "method"
    assert served_by(found, host, x_b="1") == "plain"


def test_of_equal_matches_the_oldest_route_wins_then_the_first_name() -> None:
    old = route(name="zebra", created="2025-01-01T00:00:00Z")
    assert served_by(table(route(name="ant"), route(name="bee"), old), "shop.localhost") == "zebra"
    assert served_by(table(route(name="bee"), route(name="ant")), "shop.localhost") == "ant"


def test_within_a_route_the_earlier_rule_wins() -> None:
    found = table(route(rule({"web-r1": 1}), rule({"web-r2": 1})))
    match = found.match("shop.localhost", "/", "GET", {})
    assert match.rule is not None
    assert match.rule.key == ("shop", "web", 0)


def test_a_route_of_another_gateway_is_ignored() -> None:
    thing = route()
    thing["spec"]["parentRefs"] = [{"name": "cygni"}]
    assert not table(thing).hosts


def test_a_route_gets_the_hosts_it_shares_with_a_listener() -> None:
    found = table(route(hosts=["*.x", "a.y"]), gateways=[gateway(listener(hostname="a.x"))])
    assert set(found.hosts) == {"a.x"}


def test_a_route_that_no_listener_takes_is_named() -> None:
    found = table(route(hosts=["a.y"]), gateways=[gateway(listener(hostname="a.x"))])
    assert found.problems == ("shop/web: no listener of the Gateway takes it",)


def test_a_listener_for_its_own_namespace_takes_no_other() -> None:
    assert not table(route(), gateways=[gateway(listener(admits="Same"))]).hosts
    assert table(route(namespace="cygni-system"), gateways=[gateway(listener(admits="Same"))]).hosts


def test_a_route_may_name_one_listener() -> None:
    both = [gateway(listener("one", hostname="a.x"), listener("two", hostname="b.x"))]
    assert set(table(route(hosts=[], sectionName="two"), gateways=both).hosts) == {"b.x"}


def test_a_backend_keeps_its_share_when_it_has_no_pods_or_no_service() -> None:
    found = table(route(rule({"web-r1": 95, "web-r2": 5})))
    chosen = found.match("shop.localhost", "/", "GET", {}).rule
    assert chosen is not None
    missing = chosen.choose(0.97)
    assert missing is not None
    assert (missing.key.backend, missing.problem) == ("web-r2", "Service web-r2 does not exist")


def test_a_service_without_the_port_is_a_problem() -> None:
    thing = route({"backendRefs": [{"name": "web-r1", "port": 81}]})
    (backend,) = table(thing).backends().values()
    assert backend.problem == "Service web-r1 has no port 81"


HOSTS = st.sampled_from(["a.x", "*.x", "b.a.x", "*.a.x", "y"])
MATCHES = st.builds(
    lambda path, exact, method: {"path": {"type": "Exact" if exact else "PathPrefix", "value": path}} | method,
    st.sampled_from(["/", "/a", "/a/b", "/ab"]),
    st.booleans(),
    st.sampled_from([{}, {"method": "GET"}, {"method": "POST"}]),
)
ROUTES = st.lists(st.builds(lambda host, match: (host, match), HOSTS, MATCHES), max_size=6)


@given(ROUTES, st.text(alphabet="abxy.*", max_size=6), st.text(alphabet="/ab", max_size=5), st.sampled_from(["GET", "POST"]))
def test_every_request_is_answered_and_only_by_a_rule_that_takes_it(routes: Any, host: str, path: str, method: str) -> None:
    things = [route(rule(matches=[match]), name=f"r{n}", hosts=[name]) for n, (name, match) in enumerate(routes)]
    found = table(*things).match(host, path, method, {}, "")
    alone = [table(thing).match(host, path, method, {}, "") for thing in things]
    assert (found.rule is not None) == any(each.rule is not None for each in alone)
    assert found.known_host == any(each.known_host for each in alone)
    if found.rule is not None:
        assert alone[int(found.rule.key[1][1:])].rule is not None
