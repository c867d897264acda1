"""The dashboard shows what is really published, and an alarm on anything else is found."""

from __future__ import annotations

import json
from itertools import combinations

import pytest

from chalicelib.platform.metrics import METRICS, NAMESPACE
from functions.catalog import DEAD_LETTERS, FUNCTIONS, STATE_MACHINES, TABLES
from infra.charts import body, is_published
from infra.synth import ROOT, unpublished

BODY = body("us-east-1", {each.name: f"arn:{each.name}" for each in STATE_MACHINES}, "v")
LINES = [line for widget in BODY["widgets"] for line in widget["properties"]["metrics"]]


def test_each_metric_on_it_is_one_that_aws_or_cygni_publishes_with_these_dimensions() -> None:
    assert [line for line in LINES if not is_published(line[0], line[1], line[2::2])] == []


def test_what_is_held_back_is_shown_for_every_table_and_every_index() -> None:
    shown = [line[3::2] for line in LINES if line[1] == "WriteThrottleEvents"]

    assert shown == [names for table in TABLES for names in ([table.name], *([table.name, each] for each in table.indexes))]


@pytest.mark.parametrize("metric", METRICS, ids=lambda each: each.name)
def test_all_of_cygnis_own_are_on_it_with_each_value_of_their_dimension(metric) -> None:  # type: ignore[no-untyped-def]
    shown = [line[2:] for line in LINES if line[:2] == [NAMESPACE, metric.name]]

    assert shown == [[metric.dimension, value] for value in metric.values] or (shown == [[]] and not metric.dimension)


def test_the_page_for_operators_names_all_of_cygnis_own() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()

    assert [each.name for each in METRICS if f"`{each.name}`" not in page] == []


def test_it_names_functions_tables_queues_and_workflows_that_there_are() -> None:
    named = {value for line in LINES for value in line[3::2]}
    known = {name for table in TABLES for name in (table.name, *table.indexes)} | {each.name for each in FUNCTIONS}
    known |= {DEAD_LETTERS, "cygni-api", "v"}
    known |= {f"arn:{each.name}" for each in STATE_MACHINES} | {value for each in METRICS for value in each.values}

    assert named <= known


def test_no_chart_lies_over_another_and_its_body_is_no_larger_than_cloudwatch_takes() -> None:
    places = [(each["x"], each["y"], each["width"], each["height"]) for each in BODY["widgets"]]

    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(places, 2):
        assert ax + aw <= bx or bx + bw <= ax or ay + ah <= by or by + bh <= ay
    assert max(x + width for x, _, width, _ in places) <= 24
    assert len(json.dumps(BODY)) < 100_000


def test_an_alarm_on_a_metric_that_nothing_publishes_is_found() -> None:
    alarm = {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Namespace": "Cygni", "MetricName": "Deploments"}}

    assert unpublished({"Resources": {"Typo": alarm}}) == ["alarm Typo is on Cygni Deploments, which nothing publishes"]


def test_an_alarm_by_dimensions_that_its_metric_does_not_have_is_found() -> None:
    metric = {"Namespace": "AWS/DynamoDB", "MetricName": "ThrottledRequests", "Dimensions": [{"Name": "TableName"}]}
    told = "alarm Mute is on AWS/DynamoDB ThrottledRequests by TableName, which nothing publishes"

    assert unpublished({"Resources": {"Mute": {"Type": "AWS::CloudWatch::Alarm", "Properties": metric}}}) == [told]
