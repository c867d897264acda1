"""Names, hosts, labels and weights."""

from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.platform.errors import InvalidInput
from chalicelib.runtime.rules import Target, release_number, revision, route_weights, weights_route
from tests.chalicelib.runtime.builders import HOST, TARGET, workload

DNS_LABEL = re.compile(r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")
names = st.from_regex(r"\A[a-z](-?[a-z0-9]){0,29}\Z").filter(lambda name: len(name) <= 30)
targets = st.builds(Target, st.just("team_1"), names, names, names.filter(lambda name: not name.startswith("cygni-")))


def test_a_namespace_is_named_after_its_project_and_environment_and_a_hash_of_the_whole_identity():
    tail = hashlib.sha256(b"team_1/shop/prod").hexdigest()[:6]

    assert Target("team_1", "shop", "prod", "web").namespace == f"shop-prod-{tail}"


def test_services_of_one_environment_share_a_namespace_and_teams_do_not():
    web, api = Target("team_1", "shop", "prod", "web"), Target("team_1", "shop", "prod", "api")

    assert web.namespace == api.namespace != Target("team_2", "shop", "prod", "web").namespace


@pytest.mark.parametrize(
    ("environment", "service", "host"),
    [
        ("prod", "web", "shop.example.com"),
        ("prod", "api", "api--prod--shop.example.com"),
        ("staging", "web", "web--staging--shop.example.com"),
    ],
)
def test_a_host_is_the_project_for_its_web_service_in_prod_and_says_all_three_names_otherwise(environment, service, host):
    assert Target("team_1", "shop", environment, service).host("example.com", home="team_1") == host


@pytest.mark.parametrize(
    ("environment", "service", "host"),
    [("prod", "web", "shop-def0123456.example.com"), ("prod", "api", "api--prod--shop-def0123456.example.com")],
)
def test_another_teams_host_says_which_team_it_is_of(environment: str, service: str, host: str) -> None:
    target = Target("team_01J0000000000ABCDEF0123456", "shop", environment, service)

    assert target.host("example.com", home="team_1") == host


@given(targets, st.integers(1, 10**6))
def test_every_name_is_a_dns_label_whatever_the_parts_are(target, number):
    made = [target.namespace, target.host("x", home="team_1").removesuffix(".x"), target.inventory, target.release(number)]

    assert [name for name in made if not DNS_LABEL.match(name)] == []


@given(targets, targets)
def test_two_services_share_a_host_only_if_team_and_names_are_the_same(one, other):
    same = one == other

    assert (one.host("x", home="team_1") == other.host("x", home="team_1")) == same


def test_a_host_that_had_to_be_cut_has_four_parts_so_that_no_other_service_can_be_named_alike():
    label = Target("team_1", "p" * 30, "e" * 30, "s" * 30).host("x", home="team_1").split(".")[0]

    assert label.count("--") == 3


def test_a_service_cannot_take_a_name_that_is_cygnis_own():
    with pytest.raises(InvalidInput, match="Cygni's own"):
        Target("team_1", "shop", "prod", "cygni-inventory-web")


def test_a_release_adds_its_revision_to_the_services_labels():
    added = TARGET.labels(3).items() - TARGET.labels().items()

    assert dict(added) == {"cygni.dev/revision": "r3", "app.kubernetes.io/version": "r3"}


@given(st.integers(0, 10**9))
def test_a_revision_reads_back_as_its_number(number):
    assert release_number(revision(number)) == number


@pytest.mark.parametrize("text", ["", "r", "3", "rx", "r-1", "r1.5", "r²"])
def test_what_is_no_revision_reads_as_none(text):
    assert release_number(text) is None


def test_a_workload_does_not_print_its_config():
    assert "hunter2" not in repr(workload(config={"PASSWORD": "hunter2"}))


@given(st.integers(0, 100), st.integers(1, 50), st.integers(51, 99))
def test_weights_read_back_as_they_were_written(weight, one, other):
    weights = {one: weight, other: 100 - weight}

    assert route_weights(TARGET, weights_route(TARGET, weights, HOST)) == weights


@pytest.mark.parametrize("weights", [{}, {1: 99}, {1: 60, 2: 60}, {1: 150, 2: -50}, {1: 101}])
def test_weights_that_are_not_percents_summing_to_100_are_refused(weights):
    with pytest.raises(ValueError, match="sum to 100"):
        weights_route(TARGET, weights, HOST)


def test_a_route_binds_the_host_to_the_releases_services_through_the_gateway():
    spec = weights_route(TARGET, {2: 10, 1: 90}, HOST)["spec"]

    assert spec["parentRefs"] == [{"name": "cygni", "namespace": "cygni-system"}]
    assert spec["hostnames"] == ["shop.localhost"]
    assert spec["rules"][0]["backendRefs"] == [
        {"name": "web-r1", "port": 80, "weight": 90},
        {"name": "web-r2", "port": 80, "weight": 10},
    ]


def test_backends_that_are_no_release_of_the_service_are_not_counted():
    backends = [
        {"name": "web-r1", "weight": 60},
        {"name": "web", "weight": 20},
        {"name": "api-r1"},
        {"name": "web-r1", "weight": 1},
    ]

    assert route_weights(TARGET, {"spec": {"rules": [{"backendRefs": backends}]}}) == {1: 61}


def test_no_route_has_no_weights():
    assert route_weights(TARGET, None) == {}
