from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.runtime.pins import cookie_pattern
from cygni.local.gateway import rules
from cygni.local.gateway.objects import RequestMatch, read_route

WEIGHTS = st.lists(st.integers(0, 100), min_size=1, max_size=6)
UNIT = st.floats(0, 1, exclude_max=True)


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("Shop.Localhost:8080", "shop.localhost"),
        ("shop.localhost.", "shop.localhost"),
        ("[::1]:80", "[::1]"),
        ("", ""),
        ("127.0.0.1", "127.0.0.1"),
    ],
)
def test_a_host_header_is_read_without_port_and_case(header: str, host: str) -> None:
    assert rules.split_host(header) == host


@pytest.mark.parametrize(
    ("pattern", "host", "taken"),
    [
        ("a.x", "a.x", True),
        ("a.x", "b.x", False),
        ("*.x", "a.x", True),
        ("*.x", "b.a.x", True),
        ("*.x", "x", False),
        ("*.x", ".x", False),
        ("*.x", "ax", False),
        ("", "anything", True),
    ],
)
def test_a_wildcard_takes_whole_labels_and_never_the_bare_domain(pattern: str, host: str, taken: bool) -> None:
    assert rules.host_matches(pattern, host) is taken


@pytest.mark.parametrize(
    ("route", "listener", "shared"),
    [
        ("a.x", "", "a.x"),
        ("", "a.x", "a.x"),
        ("", "", ""),
        ("a.x", "*.x", "a.x"),
        ("*.x", "a.x", "a.x"),
        ("*.a.x", "*.x", "*.a.x"),
        ("*.x", "*.a.x", "*.a.x"),
        ("a.x", "b.x", None),
        ("x", "*.x", None),
    ],
)
def test_route_and_listener_share_the_narrower_host(route: str, listener: str, shared: str | None) -> None:
    assert rules.common_host(route, listener) == shared


@pytest.mark.parametrize(
    ("prefix", "path", "taken"),
    [
        ("/", "/anything", True),
        ("/shop", "/shop", True),
        ("/shop", "/shop/1", True),
        ("/shop", "/shopping", False),
        ("/shop", "/", False),
        ("/", "*", True),
    ],
)
def test_a_prefix_takes_whole_segments(prefix: str, path: str, taken: bool) -> None:
    assert rules.path_matches(RequestMatch(path=prefix), path) is taken


def test_an_exact_path_takes_nothing_below_it() -> None:
    match = RequestMatch(path="/shop", exact=True)
    assert rules.path_matches(match, "/shop")
    assert not rules.path_matches(match, "/shop/")


def test_every_condition_of_a_match_must_hold() -> None:
    match = RequestMatch(path="/", method="GET", headers=(("x-lane", "next"),), query=(("v", "2"),))
    assert rules.request_matches(match, "/a", "GET", {"x-lane": "next"}, "v=2&v=3")
    assert not rules.request_matches(match, "/a", "POST", {"x-lane": "next"}, "v=2")
    assert not rules.request_matches(match, "/a", "GET", {"x-lane": "old"}, "v=2")
    assert not rules.request_matches(match, "/a", "GET", {}, "v=2")
    assert not rules.request_matches(match, "/a", "GET", {"x-lane": "next"}, "v=3&v=2")


@given(WEIGHTS)
def test_each_backend_gets_exactly_its_share_of_the_unit_interval(weights: list[int]) -> None:
    totals, total = rules.cumulative(weights), sum(weights)
    chosen = [rules.choose(totals, (share + 0.5) / total) for share in range(total)]
    assert [chosen.count(index) for index in range(len(weights))] == weights


@given(WEIGHTS, st.floats(allow_nan=False))
def test_a_weight_of_zero_is_never_chosen_wherever_the_point_lies(weights: list[int], point: float) -> None:
    index = rules.choose(rules.cumulative(weights), point)
    assert weights[index] > 0 if index is not None else sum(weights) == 0


@given(UNIT, UNIT)
def test_an_even_sequence_keeps_a_share_close_over_any_hundred_requests(start: float, low: float) -> None:
    point, inside = start, 0
    for _ in range(100):
        point = rules.next_point(point)
        assert 0 <= point < 1
        inside += low * 0.95 <= point < low * 0.95 + 0.05
    assert 3 <= inside <= 7


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5, unique=True), UNIT, UNIT)
def test_of_two_drawn_endpoints_the_less_busy_one_is_picked(loads: list[int], first: float, second: float) -> None:
    active = {f"pod-{load}": load for load in loads}
    picked = rules.pick(list(active), active, first, second)
    assert picked is not None
    assert len(loads) == 1 or active[picked] < max(loads)


def test_without_endpoints_none_is_picked() -> None:
    assert rules.pick([], {}, 0.5, 0.5) is None


@given(st.integers(2, 8), st.integers(0, 7), st.integers(0, 7))
def test_the_two_drawn_endpoints_always_differ(count: int, first: int, second: int) -> None:
    busy_first = {min(int(first / 8 * count), count - 1): 1}
    picked = rules.pick(list(range(count)), busy_first, first / 8, second / 8)
    assert picked not in busy_first


@pytest.mark.parametrize(
    ("cookie", "fits"),
    [
        ("canary=always", True),
        ("a=b; canary=always", True),
        ("a=b;canary=always;c=d", True),
        ("canary=always2", False),
        ("notcanary=always", False),
        ("a=canary=always", False),
        ("canary=never; a=b", False),
        ("", False),
    ],
)
def test_a_cookie_fits_as_a_whole_wherever_it_stands(cookie: str, fits: bool) -> None:
    raw = {
        "matches": [{"headers": [{"name": "Cookie", "type": "RegularExpression", "value": cookie_pattern("canary", "always")}]}]
    }
    route = {"metadata": {"namespace": "n", "name": "r"}, "spec": {"rules": [raw]}}

    (rule,) = read_route(route).rules

    assert rule.problem == ""
    assert rules.request_matches(rule.matches[0], "/", "GET", {"cookie": cookie} if cookie else {}, "") is fits
    assert (re.fullmatch(cookie_pattern("canary", "always"), cookie) is not None) is fits


def test_any_other_regular_expression_is_refused() -> None:
    raw = {"matches": [{"headers": [{"name": "Cookie", "type": "RegularExpression", "value": "^(a+)+$"}]}]}
    route = {"metadata": {"namespace": "n", "name": "r"}, "spec": {"rules": [raw]}}

    (rule,) = read_route(route).rules

    assert "regular expression" in rule.problem


def test_a_match_by_cookie_is_more_precise_than_one_without() -> None:
    assert rules.precision(RequestMatch(cookies=(("a", "b"),))) < rules.precision(RequestMatch())
