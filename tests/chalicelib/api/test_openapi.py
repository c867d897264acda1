from __future__ import annotations

from typing import Any

import pytest
from openapi_spec_validator import validate

from chalicelib.api.openapi import document
from chalicelib.api.resources import RESOURCES
from chalicelib.api.routes import Resource
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
def test_every_route_tells_its_summary_and_its_permission(route: Any, openapi: dict[str, Any]) -> None:
    operation = openapi["paths"][route.path][route.method.lower()]

    assert operation["summary"].endswith(".")
    assert operation.get("x-permission") == route.permission


def test_operation_names_are_unique() -> None:
    names = [route.name for route in ROUTES]

    assert len(names) == len(set(names))


def test_a_route_without_a_permission_is_not_declared() -> None:
    with pytest.raises(TypeError, match="needs a permission"):
        Resource("x").route("GET", "/x", answer=None)
