"""Tasks of the rollout workflow. Each takes the deployment's names and answers with the task that is next."""

from __future__ import annotations

from typing import Any

from chalicelib.deployments import tasks as deployments
from functions.observed import observed
from functions.ports import rollout_ports

Event = dict[str, Any]
Answer = dict[str, str]


@observed
def prepare(event: Event, _context: object) -> Answer:
    """Makes the release and writes it to the cluster."""
    return deployments.prepare(event, rollout_ports(event))


@observed
def await_ready(event: Event, _context: object) -> Answer:
    """Watches the release's instances become ready."""
    return deployments.await_ready(event, rollout_ports(event))


@observed
def shift(event: Event, _context: object) -> Answer:
    """Moves the step's share of the traffic."""
    return deployments.shift(event, rollout_ports(event))


@observed
def analyse(event: Event, _context: object) -> Answer:
    """Samples the traffic and judges it."""
    return deployments.analyse(event, rollout_ports(event))


@observed
def promote(event: Event, _context: object) -> Answer:
    """Gives the release all the traffic."""
    return deployments.promote(event, rollout_ports(event))


@observed
def settle(event: Event, _context: object) -> Answer:
    """Removes what the release replaced."""
    return deployments.settle(event, rollout_ports(event))


@observed
def roll_back(event: Event, _context: object) -> Answer:
    """Gives the stable release all the traffic and removes the canary."""
    return deployments.roll_back(event, rollout_ports(event), reason=_reason(event))


def _reason(event: Event) -> str:
    """The name of the error that sent the workflow here, where one did. What it said is in the log, not in a timeline."""
    error = event.get("error")
    return f"A task of the rollout failed: {error['Error']}." if isinstance(error, dict) and "Error" in error else ""
