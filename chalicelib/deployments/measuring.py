"""What the custom gates of a rollout measure at one look."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.progress import Ports, state_of, strategy
from chalicelib.deployments.releases import target_of
from chalicelib.platform.errors import MetricsUnavailable
from chalicelib.platform.webhooks import printable
from chalicelib.rollouts.service import Custom, Measurement

if TYPE_CHECKING:
    from chalicelib.platform.traffic import TrafficMetrics

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def measure(record: DeploymentRecord, ports: Ports) -> tuple[Measurement, ...]:
    """Measures every custom gate, all at once, so that a look waits for the slowest alone."""
    customs = [gate.custom for gate in strategy(record).gates if gate.custom is not None]
    if not customs:
        return ()
    with ThreadPoolExecutor(len(customs)) as threads:
        return tuple(threads.map(lambda custom: _measured(custom, record, ports), customs))


def filled(query: str, record: DeploymentRecord) -> str:
    """A query with the names of this rollout; they are names of Services, which PromQL's quotes hold."""
    target = target_of(record.key)
    names = {
        "canary": target.release(int(record.number)),
        "stable": target.release(int(record.stable)) if record.stable is not None else "",
        "namespace": target.namespace,
    }
    return _PLACEHOLDER.sub(lambda found: names.get(found[1], found[0]), query)


def _measured(custom: Custom, record: DeploymentRecord, ports: Ports) -> Measurement:
    if custom.kind == "query":
        return _queried(custom, record, ports.metrics)
    answer = ports.webhooks.ask(custom.target, _question(custom, record))
    return Measurement(custom.name, None if answer.passed is None else float(answer.passed), answer.reason)


def _queried(custom: Custom, record: DeploymentRecord, metrics: TrafficMetrics) -> Measurement:
    try:
        value = metrics.value(filled(custom.target, record))
    except MetricsUnavailable as error:
        return Measurement(custom.name, None, printable(f"{error.message} {error.remedy}".strip()))
    return Measurement(custom.name, value, "" if value is not None else "its query gives no number")


def _question(custom: Custom, record: DeploymentRecord) -> dict[str, Any]:
    """What a webhook is told."""
    state = state_of(record)
    return {
        "gate": custom.name,
        "deployment": record.id,
        "project": record.project,
        "environment": record.environment,
        "service": record.service,
        "release": int(record.number),
        "stableRelease": None if record.stable is None else int(record.stable),
        "phase": state.phase.value,
        "step": state.step,
        "weight": state.weight,
    }
