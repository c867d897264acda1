"""Judging recorded evidence again: as a proof of the record, or with other gates to see what would have happened.

1. A proof judges each record as it stands, at the moment it was stored.
2. What would have happened is asked of every moment that a step's newest record knows of, since a judge with other gates might
   have decided at any of them: the first whose decision is another than the recorded gates' own at that moment is named.
3. Only what was recorded can be judged: a custom gate needs the values that its name was measured by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from chalicelib.rollouts.evidence import Evidence
from chalicelib.rollouts.gates import Gate, Metric
from chalicelib.rollouts.rules import RULE_VERSION, Decision, Strategy, Verdict, judge_counted


@dataclass(frozen=True, slots=True)
class Asked:
    """What to judge with in place of what was recorded.

    `gates` take the place of those of their name, or stand beside them; `limits` are those of recorded custom gates, by name;
    `dropped` are names of gates that are not judged; `alpha` is a share.
    """

    gates: Sequence[Gate] = ()
    limits: Mapping[str, float] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()
    alpha: float | None = None

    def of(self, strategy: Strategy) -> Strategy:
        """The recorded strategy, changed as asked."""
        named = {gate.name: gate for gate in strategy.gates}
        named |= {name: replace(named[name], limit=limit) for name, limit in self.limits.items() if name in named}
        named |= {gate.name: gate for gate in self.gates}
        gates = tuple(gate for name, gate in named.items() if name not in self.dropped)
        return replace(strategy, gates=gates, alpha=strategy.alpha if self.alpha is None else self.alpha)

    def unknown(self, records: Iterable[Evidence]) -> list[str]:
        """The names that no recorded strategy has a gate of, where one is needed: a custom gate's, or one to drop."""
        known = {gate.name for record in records for gate in record.strategy.gates}
        builtin = {metric.value for metric in Metric if metric is not Metric.CUSTOM}
        return sorted(name for name in {*self.limits, *self.dropped} - builtin if name not in known)


AS_RECORDED = Asked()


class Replayed(NamedTuple):
    """A recorded verdict, the one that today's rules give on the same evidence, and whether the two agree.

    They agree when they decide the same, and, if the same version of the rules gave both, when they are equal throughout.
    `note` says why they may differ; it is empty where they may not. `at` is the moment that the verdict is of: with other gates
    the first at which they decide otherwise, if there is one, and `recorded` is then what the recorded ones say at it.
    """

    recorded: Verdict
    judged: Verdict
    agrees: bool
    note: str = ""
    at: datetime | None = None


def replay(records: Iterable[Evidence], asked: Asked = AS_RECORDED) -> list[Replayed]:
    """Judge each record, oldest first, again; with other gates or another alpha: what would have happened with them?"""
    records = tuple(records)
    newest = {record.step_started_at: record for record in records}
    replayed: list[Replayed] = []
    turned: dict[datetime, Replayed | None] = {}
    for record in records:
        strategy = asked.of(record.strategy)
        if strategy == record.strategy:
            replayed.append(_proven(record))
            continue
        began = record.step_started_at
        if began not in turned:
            turned[began] = _turn(newest[began], asked.of(newest[began].strategy))
        turn = turned[began]
        if turn is not None and turn.at is not None and turn.at <= record.at:
            replayed.append(turn)
            turned[began] = None
        else:
            replayed.append(_supposed(record, strategy, record.at))
    return replayed


def _proven(record: Evidence) -> Replayed:
    judged = _at(record, record.strategy, record.at)
    exact = judged.rule_version == record.rule_version
    agrees = judged == record.verdict if exact else judged.decision is record.verdict.decision
    return Replayed(record.verdict, judged, agrees, _note(record), record.at)


def _turn(record: Evidence, strategy: Strategy) -> Replayed | None:
    """The first moment of a step, by its newest record, at which the strategy decides otherwise; None where there is none.

    One record of a step is asked of all its moments: it has what the earlier ones have, and a long step has many.
    """
    known = {sample.at for sample in record.samples if record.step_started_at < sample.at < record.at}
    for at in sorted(known):
        if _fate(_at(record, strategy, at).decision) is Decision.HOLD:
            continue  # as it was recorded: the step went on
        found = _supposed(record, strategy, at)
        if not found.agrees:
            return found
    return None


def _supposed(record: Evidence, strategy: Strategy, at: datetime) -> Replayed:
    """What the strategy decides at that moment, beside what was recorded."""
    judged = _at(record, strategy, at)
    recorded = record.verdict if at == record.at else _at(record, record.strategy, at)
    agrees = _fate(judged.decision) is _fate(recorded.decision)
    note = _note(record) or ("" if agrees else "Judged with other gates than were recorded.")
    return Replayed(recorded, judged, agrees, note, at)


def _at(record: Evidence, strategy: Strategy, at: datetime) -> Verdict:
    known = [sample for sample in record.samples if sample.at <= at]
    return judge_counted(strategy, record.step, record.step_started_at, known, at, record.known)


def _fate(decision: Decision) -> Decision:
    """What a decision does to the rollout: one that is inconclusive goes on as one that holds."""
    return Decision.HOLD if decision is Decision.INCONCLUSIVE else decision


def _note(record: Evidence) -> str:
    if record.rule_version != RULE_VERSION:
        return (
            f"Recorded by version {record.rule_version} of the rules, judged again by version {RULE_VERSION}, which looks at"
            " every block of time and at bursts on both versions: the two may differ."
        )
    return ""
