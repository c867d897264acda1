"""What bounds every namespace."""

from __future__ import annotations

from chalicelib.runtime.namespaces import namespace_objects
from chalicelib.runtime.rules import Target
from tests.chalicelib.runtime.builders import TARGET

BY_NAME = {manifest["metadata"]["name"]: manifest for manifest in namespace_objects(TARGET)}


def test_the_namespace_is_created_first():
    assert namespace_objects(TARGET)[0]["kind"] == "Namespace"


def test_two_services_of_an_environment_write_the_same_objects():
    sibling = Target(TARGET.team, TARGET.project, TARGET.environment, "api")

    assert namespace_objects(TARGET) == namespace_objects(sibling)


def test_the_namespace_enforces_the_restricted_standard_and_names_its_owner():
    labels = BY_NAME[TARGET.namespace]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["cygni.dev/team"] == TARGET.team


def test_all_traffic_is_denied_that_is_not_allowed():
    assert BY_NAME["cygni-default-deny"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_only_the_gateway_and_neighbours_may_connect():
    (rule,) = BY_NAME["cygni-allow"]["spec"]["ingress"]

    gateway = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "cygni-system"}}}
    assert rule["from"] == [gateway, {"podSelector": {}}]


def test_pods_may_ask_for_names_and_reach_the_world_but_not_the_instances_metadata():
    _, names, world = BY_NAME["cygni-allow"]["spec"]["egress"]

    assert {(port["protocol"], port["port"]) for port in names["ports"]} == {("UDP", 53), ("TCP", 53)}
    assert world["to"][0]["ipBlock"] == {"cidr": "0.0.0.0/0", "except": ["169.254.0.0/16"]}
