"""What is counted and timed: each metric declared once, and written as a line of the log that CloudWatch takes them from.

The line is CloudWatch's embedded metric format. It is written here and not by Powertools, whose module would be a tenth of what
the API's process takes to start; a test has Powertools say the same. The ids of the log lines stand in it as properties, to be
searched by, and are no dimensions: each value of a dimension is a metric that is billed by the month, so a dimension has
few values, and never a tenant, a project or a service.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from chalicelib.platform.clock import utc_now
from chalicelib.platform.logs import ids
from chalicelib.platform.settings import settings

NAMESPACE = "Cygni"
"""The namespace that infra sets; the embedded cloud sets none, and nothing is written there."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `unit` is CloudWatch's; `values` are all that its `dimension` takes, where it has one."""

    name: str
    unit: str
    sentence: str
    dimension: str = ""
    values: tuple[str, ...] = ()


DEPLOYMENTS = Metric(
    "Deployments",
    "Count",
    "Deployments whose workflow came to its end.",
    "Outcome",
    ("promoted", "rolled_back", "failed", "cancelled"),
)
VERDICTS = Metric(
    "Verdicts",
    "Count",
    "Verdicts of the analysis, with their evidence.",
    "Decision",
    ("promote", "advance", "hold", "inconclusive", "rollBack"),
)
TIME_TO_VERDICT = Metric(
    "TimeToVerdict", "Seconds", "From the first traffic on a canary to the verdict that promotes it or turns it back."
)
TIME_TO_LIVE = Metric("TimeToLive", "Seconds", "From the request to the end of a deployment that was promoted.")
UNDER_WAY = Metric("DeploymentsUnderWay", "Count", "Services with a deployment under way, each minute that there is one.")
WAITING = Metric("DeploymentsWaiting", "Count", "Deployments that wait for another of their service: the depth of the queue.")
RESTARTED = Metric("WorkflowsRestarted", "Count", "Workflows that should have been running, were not, and were started again.")
RECONCILED = Metric("ServicesReconciled", "Count", "Declared services that a run of the reconciler worked on, where it did.")
LEFT = Metric("ServicesLeft", "Count", "Declared services that a run of the reconciler had no time for, where there were any.")
COLD_STARTS = Metric("ColdStarts", "Count", "Invocations that were the first of their function in a process.")
METRICS = (
    DEPLOYMENTS,
    VERDICTS,
    TIME_TO_VERDICT,
    TIME_TO_LIVE,
    UNDER_WAY,
    WAITING,
    RESTARTED,
    RECONCILED,
    LEFT,
    COLD_STARTS,
)
"""All of them: what a dashboard or an alarm may name beyond AWS's own."""


def emit(measured: Mapping[Metric, float], of: str = "") -> None:
    """Writes metrics, `of` this value of their dimension. Raises ValueError for a value that is not among the declared."""
    namespace = settings().metrics_namespace
    dimensions = {each.dimension for each in measured}
    if len(dimensions) != 1 or any((of not in each.values) if each.dimension else bool(of) for each in measured):
        raise ValueError(f"{of!r} is no value of the dimension of {', '.join(each.name for each in measured)}")
    if namespace:
        sys.stdout.write(line(namespace, measured, of, round(utc_now().timestamp() * 1000)) + "\n")
        sys.stdout.flush()


def line(namespace: str, measured: Mapping[Metric, float], of: str, at: int) -> str:
    """The line of the log; `at` is milliseconds since 1970."""
    dimensions = {each.dimension: of for each in measured if each.dimension}
    directive = {
        "Namespace": namespace,
        "Dimensions": [list(dimensions)],
        "Metrics": [{"Name": each.name, "Unit": each.unit} for each in measured],
    }
    said = {each.name: [float(value)] for each, value in measured.items()}
    told = {**ids(), "_aws": {"Timestamp": at, "CloudWatchMetrics": [directive]}, **dimensions, **said}
    return json.dumps(told, separators=(",", ":"))
