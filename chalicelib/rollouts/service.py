"""Strategies, verdicts and evidence: the façade of this context."""

from __future__ import annotations

from chalicelib.platform.store import Store
from chalicelib.platform.table import Put, Write
from chalicelib.rollouts.counts import Counts, Sample, p95_ms
from chalicelib.rollouts.evidence import Evidence, Replayed, replay
from chalicelib.rollouts.models import PREFIX, EvidenceRecord, evidence_pk
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
    "Counts",
    "Decision",
    "Event",
    "Evidence",
    "Phase",
    "Replayed",
    "RolloutState",
    "Sample",
    "Strategy",
    "Transition",
    "Verdict",
    "apply",
    "event_of",
    "evidence_write",
    "list_evidence",
    "next_task",
    "p95_ms",
    "ready_to_promote",
    "replay",
    "strategy_from_dict",
    "strategy_of",
    "strategy_to_dict",
]


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
