"""What of deployments is counted and timed: verdicts and ends, once they are saved, so that what lost a race is not counted."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.states import State
from chalicelib.platform import metrics
from chalicelib.projects.service import Lane
from chalicelib.rollouts.service import Decision, Evidence

DECIDING = frozenset({Decision.PROMOTE, Decision.ROLL_BACK})


def count_end(record: DeploymentRecord, now: datetime) -> None:
    """A deployment has ended."""
    metrics.emit({metrics.DEPLOYMENTS: 1}, record.state)
    if record.state == State.PROMOTED:
        metrics.emit({metrics.TIME_TO_LIVE: (now - record.created_at).total_seconds()})


def count_verdict(record: DeploymentRecord, evidence: Evidence) -> None:
    """A verdict was stored with its evidence."""
    decision = evidence.verdict.decision
    metrics.emit({metrics.VERDICTS: 1}, decision.value)
    shifted = next((event.at for event in record.events() if event.kind == "shifted"), None)
    if decision in DECIDING and shifted is not None:
        metrics.emit({metrics.TIME_TO_VERDICT: (evidence.at - shifted).total_seconds()})


def count_lanes(lanes: Iterable[Lane], restarted: int) -> None:
    """The lanes of busy services, as a sweep found them. None is no news: metrics are billed by the hours they are told in."""
    busy = [lane for lane in lanes if lane.active is not None]
    if busy:
        waiting = sum(lane.waiting is not None for lane in busy)
        metrics.emit({metrics.UNDER_WAY: len(busy), metrics.WAITING: waiting, metrics.RESTARTED: restarted})
