"""Schemathesis against the API's own OpenAPI document, over HTTP: no 5xx, and no answer outside of its schema.

That a request of the right shape is accepted is not checked: whether a cygni.yaml or a cursor makes sense is in no schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from chalicelib.api.openapi import document
from chalicelib.api.resources import RESOURCES
from cygni.local.cloud.http import ApiServer, Served
from tests.support.store import memory_store
from tests.support.world import KEY, Client, Fakes

pytestmark = pytest.mark.slow


SCHEMA = schemathesis.openapi.from_dict(document(RESOURCES))
VALID = re.compile("[A-Za-z0-9_-]{1,64}", re.ASCII)
NOT_THE_API_S = frozenset({413, 414, 431})
"""What the server before the API answers to requests that are too long."""

KNOWN = {"project": "hello", "environment": "prod", "service": "web"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with memory_store():
        fakes = Fakes()
        fakes.settings = replace(fakes.settings, actions_issuer="http://not-spoken-to.test")
        fakes.functions.answers["cygni-logs"] = {"items": [], "next_cursor": "c"}
        client = Client(fakes)
        client.post("/v1/projects", {"name": "hello"})
        client.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        app = client.app
        server = ApiServer(Served(app, app.routes, lambda request_id: SimpleNamespace(aws_request_id=request_id)))
        server.start()
        yield server.url
        server.stop()


@SCHEMA.parametrize()
@settings(max_examples=15, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck), database=None)
def test_every_operation_keeps_to_its_schema(case: schemathesis.Case, url: str) -> None:
    for name, known in KNOWN.items():
        value = str(case.path_parameters.get(name, ""))
        if VALID.fullmatch(value) and len(value) % 2:
            case.path_parameters[name] = known

    answer = case.call(base_url=url, headers={"Authorization": f"Bearer {KEY}"})

    if answer.status_code not in NOT_THE_API_S:
        case.validate_response(answer, excluded_checks=[positive_data_acceptance, *_beyond_schemas(case)])


def _beyond_schemas(case: schemathesis.Case) -> list[Any]:
    """In a form, a field without a value is one that was left out (RFC 6749, section 3.2), which no schema can say."""
    form = case.media_type == "application/x-www-form-urlencoded" and isinstance(case.body, dict)
    return [negative_data_rejection] if form and "" in case.body.values() else []
