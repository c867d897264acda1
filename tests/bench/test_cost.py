"""What a deploy and a call cost: that everything that is billed is counted, and that the aims are met."""

from __future__ import annotations

import tomllib

import pytest

from bench import cost
from bench.store_count import read_units
from functions.catalog import FUNCTIONS

PRICES = tomllib.loads(cost.PRICES.read_text())["prices"]


def dollars(meter: cost.Meter, times: int) -> float:
    return sum(meter.costs(PRICES).values()) * times


def test_a_deploy_is_mostly_watching_and_costs_what_the_page_says() -> None:
    meter = cost.deploy()
    costs = meter.costs(PRICES)

    assert max(costs, key=lambda unit: costs[unit]) == "lambda_gb_second"
    assert meter.units["state_transition"] == 24
    assert meter.units["dynamodb_write_unit"] > 20
    assert meter.units["lambda_request"] == 11
    analysis = next(each for each in FUNCTIONS if each.name == "cygni-rollout-analyse")
    assert meter.units["lambda_gb_second"] > 600 * analysis.memory / 1024
    assert dollars(meter, 1000) <= 1.25 * cost.AIMS["deploy"]  # seconds are this machine's


def test_a_call_is_one_request_one_read_and_some_bytes_of_log() -> None:
    meter = cost.calls(6)

    assert meter.units["api_request"] == meter.units["lambda_request"] == 1
    assert 0.5 <= meter.units["dynamodb_read_unit"] <= 2
    assert meter.units["log_byte"] >= cost.PLATFORM_LINES + cost.ACCESS_LINE
    assert dollars(meter, 1_000_000) <= cost.AIMS["calls"]


@pytest.mark.parametrize(("schedule", "seconds"), [("rate(1 minute)", 60), ("rate(5 minutes)", 300), ("rate(1 day)", 86_400)])
def test_a_schedule_is_so_many_seconds(schedule: str, seconds: float) -> None:
    assert cost.every(schedule) == seconds


def test_reads_are_billed_by_four_kib_and_what_they_promise() -> None:
    item = {"pk": {"S": "x" * 5000}}

    assert read_units("GetItem", {"ConsistentRead": True}, {"Item": item}) == 2
    assert read_units("GetItem", {}, {"Item": item}) == 1
    assert read_units("GetItem", {"ConsistentRead": True}, {}) == 1
    assert read_units("TransactGetItems", {}, {"Responses": [{"Item": item}, {}]}) == 6
    assert read_units("Query", {}, {"Items": [item, item]}) == 1.5
    assert read_units("PutItem", {}, {}) == 0


def test_a_price_is_named_for_everything_that_is_counted() -> None:
    assert set(cost.deploy().units) | set(cost.calls(3).units) <= set(PRICES)
