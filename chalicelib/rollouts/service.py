"""Strategies, verdicts and evidence: the façade of this context."""

from __future__ import annotations

from collections.abc import Callable

from chalicelib.platform.clearing import clear
from chalicelib.platform.store import Store
from chalicelib.platform.table import Put, Write
from chalicelib.rollouts.batches import Batch, Rolling, batches_of
from chalicelib.rollouts.counts import Counts, Measurement, Sample, p95_ms
from chalicelib.rollouts.evidence import Evidence
from chalicelib.rollouts.explain import ArmPoint, Point, StepExplained, explain
from chalicelib.rollouts.gates import Custom, Gate, GateResult, Metric, Weight
from chalicelib.rollouts.measurable import within_reach
from chalicelib.rollouts.models import PREFIX, EvidenceRecord, evidence_pk
from chalicelib.rollouts.replay import Asked, Replayed, replay
from chalicelib.rollouts.rules import Decision, Strategy, Verdict
from chalicelib.rollouts.strategy import in_batches, strategy_from_dict, strategy_of, strategy_to_dict
from chalicelib.rollouts.transitions import (
    ENDED,
    ENDING,
    WATCHED,
    Event,
    Phase,
    RolloutState,
    Transition,
    apply,
    asked_by_hand,
    event_of,
    next_task,
    ready_to_promote,
)

__all__ = [
    "ENDED",
    "ENDING",
    "WATCHED",
    "ArmPoint",
    "Asked",
    "Batch",
    "Counts",
    "Custom",
    "Decision",
    "Event",
    "Evidence",
    "Gate",
    "GateResult",
    "Measurement",
    "Metric",
    "Phase",
    "Point",
    "Replayed",
    "Rolling",
    "RolloutState",
    "Sample",
    "StepExplained",
    "Strategy",
    "Transition",
    "Verdict",
    "Weight",
    "apply",
    "asked_by_hand",
    "batches_of",
    "event_of",
    "evidence_write",
    "explain",
    "forget_evidence",
    "gates_asked",
    "in_batches",
    "last_evidence",
    "list_evidence",
    "newest_evidence",
    "newest_of_steps",
    "next_task",
    "p95_ms",
    "ready_to_promote",
    "replay",
    "strategy_from_dict",
    "strategy_of",
    "strategy_to_dict",
    "within_reach",
]

MOST_EVIDENCE = 1000
"""Most analyses that are read for an explanation: those of a day and a half."""


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


def newest_evidence(store: Store, team: str, deployment: str, *, most: int) -> list[Evidence]:
    """A deployment's newest analyses, `most` at most, oldest first."""
    found: list[Evidence] = []
    cursor: str | None = None
    while len(found) < most:
        limit = min(100, most - len(found))
        records, cursor = store.page(
            EvidenceRecord, evidence_pk(team, deployment), PREFIX, cursor=cursor, limit=limit, newest_first=True
        )
        found += [Evidence.from_dict(record.data) for record in records]
        if cursor is None:
            break
    return found[::-1]


def last_evidence(store: Store, team: str, deployment: str) -> Evidence | None:
    """A deployment's newest analysis, if there is one."""
    return next(iter(newest_evidence(store, team, deployment, most=1)), None)


def newest_of_steps(store: Store, team: str, deployment: str) -> list[Evidence]:
    """The newest analysis of each step of a deployment, oldest first."""
    return list({each.step_started_at: each for each in newest_evidence(store, team, deployment, most=MOST_EVIDENCE)}.values())


def forget_evidence(store: Store, team: str, deployment: str, *, more: Callable[[], bool]) -> bool:
    """Removes a deployment's analyses; False when `more` said stop before all were gone. Removing them twice is no error."""
    return clear(store, EvidenceRecord, evidence_pk(team, deployment), PREFIX, more=more)


def gates_asked(
    error_rate: float | None, latency_p95: float | None, error_rate_increase: float | None, latency_p95_increase: float | None
) -> tuple[Gate, ...]:
    """Critical gates with these limits, for a replay; None asks for none."""
    limits = zip(list(Metric), (error_rate, latency_p95, error_rate_increase, latency_p95_increase), strict=False)
    return tuple(Gate(metric, limit) for metric, limit in limits if limit is not None)
