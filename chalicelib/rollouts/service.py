"""Strategies, verdicts and evidence: the façade of this context."""

from __future__ import annotations

from chalicelib.platform.store import Store
from chalicelib.platform.table import Put, Write
from chalicelib.rollouts.counts import Counts, Sample, p95_ms
from chalicelib.rollouts.evidence import Evidence
from chalicelib.rollouts.explain import ArmPoint, Point, StepExplained, explain
from chalicelib.rollouts.gates import Custom, Gate, GateResult, Metric, Weight
from chalicelib.rollouts.models import PREFIX, EvidenceRecord, evidence_pk
from chalicelib.rollouts.replay import Replayed, replay
from chalicelib.rollouts.rules import Decision, Strategy, Verdict
from chalicelib.rollouts.strategy import strategy_from_dict, strategy_of, strategy_to_dict
from chalicelib.rollouts.transitions import (
    ENDED,
    Event,
    Phase,
    RolloutState,
    Transition,
    apply,
    event_of,
    next_task,
    ready_to_promote,
)

__all__ = [
    "ENDED",
    "ArmPoint",
    "Counts",
    "Custom",
    "Decision",
    "Event",
    "Evidence",
    "Gate",
    "GateResult",
    "Metric",
    "Phase",
    "Point",
    "Replayed",
    "RolloutState",
    "Sample",
    "StepExplained",
    "Strategy",
    "Transition",
    "Verdict",
    "Weight",
    "all_evidence",
    "apply",
    "event_of",
    "evidence_write",
    "explain",
    "list_evidence",
    "newest_evidence",
    "next_task",
    "p95_ms",
    "ready_to_promote",
    "replay",
    "strategy_from_dict",
    "strategy_of",
    "strategy_to_dict",
]

MOST_EVIDENCE = 1000
"""Most analyses that are read at once; a rollout of a day and a half has as many."""


def evidence_write(team: str, evidence: Evidence) -> Write:
    """The write that stores one analysis; for the caller's own commit. The same analysis twice is one record."""
    name = f"{PREFIX}{evidence.at.isoformat(timespec='milliseconds')}"
    record = EvidenceRecord(evidence_pk(team, evidence.deployment), name, data=evidence.to_dict())
    return Put(record)


def list_evidence(
    store: Store, team: str, deployment: str, *, cursor: str | None, limit: int
) -> tuple[list[Evidence], str | None]:
    """A page of a deployment's analyses, oldest first."""
    records, after = store.page(EvidenceRecord, evidence_pk(team, deployment), PREFIX, cursor=cursor, limit=limit)
    return [Evidence.from_dict(record.data) for record in records], after


def all_evidence(store: Store, team: str, deployment: str) -> list[Evidence]:
    """A deployment's analyses, oldest first: all of them, or the newest `MOST_EVIDENCE`."""
    found: list[Evidence] = []
    cursor: str | None = None
    while len(found) < MOST_EVIDENCE:
        records, cursor = store.page(
            EvidenceRecord, evidence_pk(team, deployment), PREFIX, cursor=cursor, limit=100, newest_first=True
        )
        found += [Evidence.from_dict(record.data) for record in records]
        if cursor is None:
            break
    return found[::-1]


def newest_evidence(store: Store, team: str, deployment: str) -> Evidence | None:
    """A deployment's newest analysis."""
    records, _ = store.page(EvidenceRecord, evidence_pk(team, deployment), PREFIX, cursor=None, limit=1, newest_first=True)
    return Evidence.from_dict(records[0].data) if records else None
