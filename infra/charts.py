"""What the operator's dashboard shows: how Cygni is and what it does, from its own metrics and those that AWS publishes.

It is data, so that a test can hold each name in it to what is really published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.platform import metrics
from chalicelib.platform.metrics import NAMESPACE, Metric
from functions.catalog import API_FUNCTION, DEAD_LETTERS, FUNCTIONS, TABLES, Table

Dimensions = frozenset[str]
_TABLE = (frozenset({"TableName"}), frozenset({"TableName", "GlobalSecondaryIndexName"}))
_FUNCTION = (frozenset({"FunctionName"}), frozenset({"FunctionName", "Resource"}), frozenset[str]())
_API = (frozenset({"ApiName"}), frozenset({"ApiName", "Stage"}))


def _all(names: Sequence[str], dimensions: tuple[Dimensions, ...]) -> dict[str, tuple[Dimensions, ...]]:
    return dict.fromkeys(names, dimensions)


PUBLISHED: dict[str, dict[str, tuple[Dimensions, ...]]] = {
    "AWS/ApiGateway": _all(("Count", "4XXError", "5XXError", "Latency"), _API),
    "AWS/Lambda": _all(("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"), _FUNCTION),
    "AWS/States": _all(
        ("ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut"),
        (frozenset({"StateMachineArn"}),),
    ),
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible": (frozenset({"QueueName"}),)},
    "AWS/DynamoDB": {
        **_all(("ReadThrottleEvents", "WriteThrottleEvents"), _TABLE),
        **_all(("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"), _TABLE),
        "ThrottledRequests": (frozenset({"TableName", "Operation"}),),
    },
    NAMESPACE: {
        **{each.name: (frozenset({each.dimension} if each.dimension else ()),) for each in metrics.METRICS},
        "OtherRegionAway": (frozenset(),),
    },
}
"""Metrics by their namespace, as AWS's documentation has them, and Cygni's own: whatever a dashboard or an alarm may name.

Each has the sets of dimensions that it is published with: under any other set there is nothing to see.
"""
_WIDTH, _HEIGHT, _COLUMNS = 8, 6, 3
_TASKS = ("cygni-rollout-analyse", "cygni-rollout-prepare", "cygni-rollout-await-ready", "cygni-reconcile", "cygni-sweep")


@dataclass(frozen=True, slots=True)
class Chart:
    """One graph: lines are `[namespace, metric, dimension, value, …]`; `stat` is CloudWatch's word, such as `p95`."""

    title: str
    lines: tuple[tuple[str, ...], ...]
    stat: str = "Sum"
    seconds: int = 300

    def widget(self, region: str, at: int) -> dict[str, Any]:
        """As the dashboard's body has it, in its place."""
        return {
            "type": "metric",
            "x": at % _COLUMNS * _WIDTH,
            "y": at // _COLUMNS * _HEIGHT,
            "width": _WIDTH,
            "height": _HEIGHT,
            "properties": {
                "title": self.title,
                "region": region,
                "view": "timeSeries",
                "stat": self.stat,
                "period": self.seconds,
                "metrics": [list(line) for line in self.lines],
            },
        }


def charts(machines: Mapping[str, str], stage: str) -> tuple[Chart, ...]:
    """All graphs in the order in which an operator asks: what users see, what is rolled out, what is broken, what is used.

    `machines` are the workflows' ARNs by name, `stage` the API's.
    """
    api = ("ApiName", API_FUNCTION.name, "Stage", stage)
    return (
        Chart("Requests of the API", _each("AWS/ApiGateway", ("Count", "4XXError", "5XXError"), api)),
        Chart("Latency of the API, p95 (ms)", _each("AWS/ApiGateway", ("Latency",), api), stat="p95"),
        Chart("Deployments by outcome", own(metrics.DEPLOYMENTS)),
        Chart("Verdicts by decision", own(metrics.VERDICTS)),
        Chart("Time to a verdict, and to be live, p95 (s)", (*own(metrics.TIME_TO_VERDICT), *own(metrics.TIME_TO_LIVE)), "p95"),
        Chart("Under way, and waiting in the queue", (*own(metrics.UNDER_WAY), *own(metrics.WAITING)), "Maximum", 60),
        Chart(
            "Workflows started again, services left", (*own(metrics.RESTARTED), *own(metrics.LEFT), *own(metrics.RECONCILED))
        ),
        Chart("Workflows", tuple(line for arn in machines.values() for line in _workflow(arn))),
        Chart("Dead letters", (("AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", DEAD_LETTERS),), "Maximum"),
        Chart("Errors of functions", tuple(_function("Errors", each.name) for each in FUNCTIONS)),
        Chart("Duration of tasks, p95 (ms)", tuple(_function("Duration", name) for name in _TASKS), "p95"),
        Chart("Functions at once, held back, cold", (*_at_once(), *own(metrics.COLD_STARTS))),
        Chart("Units of the tables", tuple(line for table in TABLES for line in _units(table.name))),
        Chart("Reads and writes that DynamoDB held back", tuple(line for table in TABLES for line in _held_back(table))),
    )


def body(region: str, machines: Mapping[str, str], stage: str) -> dict[str, Any]:
    """The dashboard's body."""
    return {"widgets": [chart.widget(region, at) for at, chart in enumerate(charts(machines, stage))]}


def own(metric: Metric) -> tuple[tuple[str, ...], ...]:
    """Lines of one of Cygni's own metrics: one for each value of its dimension."""
    if not metric.dimension:
        return ((NAMESPACE, metric.name),)
    return tuple((NAMESPACE, metric.name, metric.dimension, value) for value in metric.values)


def _each(namespace: str, names: Sequence[str], dimensions: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple((namespace, name, *dimensions) for name in names)


def _workflow(arn: str) -> tuple[tuple[str, ...], ...]:
    return _each("AWS/States", ("ExecutionsStarted", "ExecutionsTimedOut"), ("StateMachineArn", arn))


def _function(metric: str, name: str) -> tuple[str, ...]:
    return ("AWS/Lambda", metric, "FunctionName", name)


def _at_once() -> tuple[tuple[str, ...], ...]:
    return (("AWS/Lambda", "ConcurrentExecutions"), ("AWS/Lambda", "Throttles"))


def _units(table: str) -> tuple[tuple[str, ...], ...]:
    return _each("AWS/DynamoDB", ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"), ("TableName", table))


def _held_back(table: Table) -> Iterator[tuple[str, ...]]:
    """Of a table and, by itself, of each index: one that is held back holds back the writes of its table."""
    names = ("ReadThrottleEvents", "WriteThrottleEvents")
    yield from _each("AWS/DynamoDB", names, ("TableName", table.name))
    for index in table.indexes:
        yield from _each("AWS/DynamoDB", names, ("TableName", table.name, "GlobalSecondaryIndexName", index))


def is_published(namespace: str, metric: str, dimensions: Iterable[str]) -> bool:
    """Whether there is a metric of that name, and with these dimensions."""
    return frozenset(dimensions) in PUBLISHED.get(namespace, {}).get(metric, ())
