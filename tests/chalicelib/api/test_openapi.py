from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from chalicelib.api.openapi import document
from chalicelib.api.resources import RESOURCES
from chalicelib.api.routes import Resource
from chalicelib.identity.rules import MATRIX
from tests.support.world import Client

ROUTES = [route for resource in RESOURCES for route in resource.routes]


@pytest.fixture(scope="module")
def openapi() -> dict[str, Any]:
    return document(RESOURCES)


def test_the_document_is_valid_openapi_31(openapi: dict[str, Any]) -> None:
    validate(openapi)

    assert openapi["openapi"].startswith("3.1")


def test_the_document_needs_no_token_and_has_every_route(api: Client) -> None:
    api.key = None

    served = api.get("/v1/openapi.json").json

    assert {(method.upper(), path) for path, each in served["paths"].items() for method in each} == {
        (route.method, route.path) for route in ROUTES
    }


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_tells_its_summary_and_what_each_role_may(route: Any, openapi: dict[str, Any]) -> None:
    operation = openapi["paths"][route.path][route.method.lower()]

    assert operation["summary"].endswith(".")
    if route.name in MATRIX:
        assert list(operation["x-roles"]) == ["owner", "admin", "developer", "viewer"]
    assert (operation.get("security") == []) is route.public


def test_operation_names_are_unique() -> None:
    names = [route.name for route in ROUTES]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(("name", "public"), [("strange_operation", False), ("get_project", True), ("whoami", True)])
def test_a_route_without_a_row_in_the_table_of_rights_is_not_declared(name: str, public: bool) -> None:
    def handler(_call: object) -> None: ...

    handler.__name__ = name

    with pytest.raises(TypeError, match="needs a row"):
        Resource("x").route("GET", "/x", answer=None, public=public)(handler)
