from __future__ import annotations

from typing import Any

import pytest

from cygni.local.kube.resources.catalog import Catalog
from cygni.local.kube.resources.definitions import definition_faults
from cygni.local.kube.schema.tree import gateway_definitions
from tests.contract.conftest import definition


def _changed(change: dict[str, Any]) -> dict[str, Any]:
    made = definition("example.com")
    return {**made, "spec": {**made["spec"], **change}}


def test_a_good_definition_has_no_fault() -> None:
    assert list(definition_faults(definition("example.com"))) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"group": "nodots"}, "spec.group"),
        ({"scope": "Galaxy"}, "spec.scope"),
        ({"versions": []}, "spec.versions"),
        ({"names": {"plural": "widgets"}}, "spec.names.kind"),
        ({"names": {"plural": "others", "kind": "Other"}}, "metadata.name"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], field: str) -> None:
    assert field in {cause.field for cause in definition_faults(_changed(change))}


@pytest.mark.parametrize(
    ("schema", "end"),
    [({}, ".type"), ({"type": "thing"}, ".type"), ({"type": "array"}, ".items")],
)
def test_a_schema_has_a_type_at_every_node(schema: dict[str, Any], end: str) -> None:
    made = definition("example.com")
    made["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"] = schema
    fields = [cause.field for cause in definition_faults(made)]
    assert fields == [f"spec.versions[0].schema.openAPIV3Schema.properties[spec]{end}"]


def test_what_the_gateway_api_publishes_is_valid_and_served() -> None:
    catalog = Catalog()
    for made in gateway_definitions():
        assert list(definition_faults(made)) == []
        catalog.install(made)
    assert catalog.by_kind("gateway.networking.k8s.io/v1", "HTTPRoute")
    catalog.uninstall("httproutes.gateway.networking.k8s.io")
    assert not catalog.by_kind("gateway.networking.k8s.io/v1", "HTTPRoute")
