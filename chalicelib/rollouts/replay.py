"""Judging recorded evidence again: as a proof of the record, or with other gates to see what would have happened."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from chalicelib.rollouts.evidence import Evidence
from chalicelib.rollouts.gates import Gate
from chalicelib.rollouts.rules import RULE_VERSION, Strategy, Verdict, judge_counted


class Replayed(NamedTuple):
    """A recorded verdict, the one that today's rules give on the same evidence, and whether the two agree.

    They agree when they decide the same, and, if the same version of the rules gave both, when they are equal throughout.
    `note` says why they may differ; it is empty where they may not.
    """

    recorded: Verdict
    judged: Verdict
    agrees: bool
    note: str = ""


def replay(records: Iterable[Evidence], *, gates: Sequence[Gate] = (), alpha: float | None = None) -> list[Replayed]:
    """Judge each record again; with gates or an alpha of one's own: what would have happened with them?

    A gate takes the place of the one of its name, or stands beside the recorded ones.
    """
    replayed = []
    for record in records:
        strategy = _with_gates(record.strategy, gates)
        strategy = strategy if alpha is None else replace(strategy, alpha=alpha)
        judged = judge_counted(strategy, record.step, record.step_started_at, record.samples, record.at, record.known)
        exact = strategy == record.strategy and judged.rule_version == record.rule_version
        agrees = judged == record.verdict if exact else judged.decision is record.verdict.decision
        replayed.append(Replayed(record.verdict, judged, agrees, _note(record, asked=strategy != record.strategy)))
    return replayed


def _with_gates(strategy: Strategy, gates: Sequence[Gate]) -> Strategy:
    named = {gate.name: gate for gate in strategy.gates} | {gate.name: gate for gate in gates}
    return replace(strategy, gates=tuple(named.values()))


def _note(record: Evidence, *, asked: bool) -> str:
    if record.rule_version != RULE_VERSION:
        return (
            f"Recorded by version {record.rule_version} of the rules, judged again by version {RULE_VERSION}, which looks at"
            " every block of time and at bursts on both versions: the two may differ."
        )
    return "Judged with other gates than were recorded." if asked else ""
