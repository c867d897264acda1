"""What is asked of the embedded AWS, from what the catalog declares."""

from __future__ import annotations

import json

import pytest

from cygni.local.cloud.process import DEFINITIONS
from cygni.local.cloud.resources import placeholder_values, substitute, table_request
from functions.catalog import FUNCTIONS, STATE_MACHINES, Table


def test_a_table_is_keyed_by_pk_and_sk_and_paid_by_request() -> None:
    request = table_request(Table("plain"))

    assert [each["AttributeName"] for each in request["KeySchema"]] == ["pk", "sk"]
    assert request["BillingMode"] == "PAY_PER_REQUEST"
    assert "GlobalSecondaryIndexes" not in request


def test_an_index_is_keyed_by_attributes_named_after_it() -> None:
    request = table_request(Table("indexed", indexes=("gsi1",)))

    assert [each["AttributeName"] for each in request["GlobalSecondaryIndexes"][0]["KeySchema"]] == ["gsi1pk", "gsi1sk"]
    assert {each["AttributeName"] for each in request["AttributeDefinitions"]} == {"pk", "sk", "gsi1pk", "gsi1sk"}


def test_every_placeholder_of_every_definition_stands_for_something() -> None:
    values = placeholder_values(STATE_MACHINES, FUNCTIONS)

    for machine in STATE_MACHINES:
        text = substitute((DEFINITIONS / f"{machine.name}.asl.json").read_text(), values)
        assert "${" not in text
        assert json.loads(text)["States"]


def test_a_placeholder_that_stands_for_nothing_is_an_error() -> None:
    with pytest.raises(KeyError, match="cygni-nothing"):
        substitute('{"FunctionName": "${cygni-nothing}"}', {})
