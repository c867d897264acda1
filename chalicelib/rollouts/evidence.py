"""The evidence of one analysis: everything its verdict is a function of, small enough to store beside it.

1. `Evidence.of` judges what it stores, not what it was given: replaying a record with the same rules gives its verdict.
2. Samples are stored counting from the step's beginning (`counts.rebase`); of many, each arm's first and last and the
   newest `KEEP_SAMPLES` are kept, which changes no verdict and keeps a record near 100 KB at the very most.
3. A record is JSON-able: an infinite bucket bound is stored as null, a time as ISO 8601.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.rollouts.counts import Arm, Counts, Sample, rebase
from chalicelib.rollouts.rules import Decision, Figures, Gate, GateResult, Metric, Outcome, Strategy, Verdict, judge
from chalicelib.rollouts.strategy import strategy_from_dict, strategy_to_dict

KEEP_SAMPLES = 60
"""Newest samples kept of one analysis: five minutes of them at the default interval."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One analysis of a deployment: the judge's arguments and its verdict at the moment `at`."""

    deployment: str
    step: int
    step_started_at: datetime
    strategy: Strategy
    samples: tuple[Sample, ...]
    at: datetime
    verdict: Verdict

    @property
    def rule_version(self) -> str:
        """The version of the rules that gave the verdict."""
        return self.verdict.rule_version

    @classmethod
    def of(
        cls, deployment: str, strategy: Strategy, step: int, step_started_at: datetime, samples: Iterable[Sample], now: datetime
    ) -> Evidence:
        """Judge, and keep what was judged."""
        kept = _thinned(rebase(samples, step_started_at, now))
        verdict = judge(strategy, step, step_started_at, kept, now)
        return cls(deployment, step, step_started_at, strategy, kept, now, verdict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        bounds = sorted({_bounds(counts) for sample in self.samples for counts in (sample.canary, sample.stable) if counts})
        return {
            "deployment": self.deployment,
            "step": self.step,
            "stepStartedAt": self.step_started_at.isoformat(),
            "strategy": strategy_to_dict(self.strategy),
            "bounds": [[None if math.isinf(bound) else bound for bound in each] for each in bounds],
            "samples": [_sample_to_list(sample, bounds) for sample in self.samples],
            "at": self.at.isoformat(),
            "verdict": verdict_to_dict(self.verdict),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Evidence:
        """The evidence that `to_dict` stored."""
        bounds = [tuple(math.inf if bound is None else bound for bound in each) for each in stored["bounds"]]
        return cls(
            deployment=stored["deployment"],
            step=stored["step"],
            step_started_at=datetime.fromisoformat(stored["stepStartedAt"]),
            strategy=strategy_from_dict(stored["strategy"]),
            samples=tuple(_sample_from_list(sample, bounds) for sample in stored["samples"]),
            at=datetime.fromisoformat(stored["at"]),
            verdict=verdict_from_dict(stored["verdict"]),
        )


class Replayed(NamedTuple):
    """A recorded verdict, the one that today's rules give on the same evidence, and whether the two agree.

    They agree when they decide the same, and, if the same version of the rules gave both, when they are equal throughout.
    """

    recorded: Verdict
    judged: Verdict
    agrees: bool


def replay(records: Iterable[Evidence], *, gates: Sequence[Gate] | None = None) -> list[Replayed]:
    """Judge each record again, with other gates if given (what would a stricter limit have done?)."""
    replayed = []
    for record in records:
        strategy = record.strategy if gates is None else replace(record.strategy, gates=tuple(gates))
        judged = judge(strategy, record.step, record.step_started_at, record.samples, record.at)
        exact = gates is None and judged.rule_version == record.rule_version
        agrees = judged == record.verdict if exact else judged.decision is record.verdict.decision
        replayed.append(Replayed(record.verdict, judged, agrees))
    return replayed


def verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON-able values; `verdict_from_dict` gives it back unchanged."""
    return {
        "decision": verdict.decision.value,
        "reason": verdict.reason,
        "gates": [{**asdict(gate), "metric": gate.metric.value, "outcome": gate.outcome.value} for gate in verdict.gates],
        "canary": asdict(verdict.canary),
        "stable": asdict(verdict.stable),
        "needs_person": verdict.needs_person,
        "rule_version": verdict.rule_version,
    }


def verdict_from_dict(stored: dict[str, Any]) -> Verdict:
    """The verdict that `verdict_to_dict` stored."""
    gates = (
        GateResult(**{**gate, "metric": Metric(gate["metric"]), "outcome": Outcome(gate["outcome"])})
        for gate in stored["gates"]
    )
    return Verdict(
        decision=Decision(stored["decision"]),
        reason=stored["reason"],
        gates=tuple(gates),
        canary=Figures(**stored["canary"]),
        stable=Figures(**stored["stable"]),
        needs_person=stored["needs_person"],
        rule_version=stored["rule_version"],
    )


def _thinned(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    keep = set(range(max(0, len(samples) - KEEP_SAMPLES), len(samples)))
    for arm in Arm:
        read = [index for index, sample in enumerate(samples) if sample.of(arm) is not None]
        keep.update(read[:1], read[-1:])
    return tuple(samples[index] for index in sorted(keep))


def _bounds(counts: Counts) -> tuple[float, ...]:
    return tuple(bound for bound, _ in counts.latency)


def _sample_to_list(sample: Sample, bounds: list[tuple[float, ...]]) -> list[Any]:
    """[time, weight, canary, stable]; a reading is [requests, errors, which bounds, a count for each] or null."""

    def reading(counts: Counts | None) -> list[int] | None:
        if counts is None:
            return None
        return [counts.requests, counts.errors, bounds.index(_bounds(counts)), *(count for _, count in counts.latency)]

    return [sample.at.isoformat(), sample.weight, reading(sample.canary), reading(sample.stable)]


def _sample_from_list(stored: list[Any], bounds: list[tuple[float, ...]]) -> Sample:
    def counts(reading: list[int] | None) -> Counts | None:
        if reading is None:
            return None
        requests, errors, which, *latency = reading
        return Counts(requests, errors, tuple(zip(bounds[which], latency, strict=True)))

    at, weight, canary, stable = stored
    return Sample(datetime.fromisoformat(at), weight, counts(canary), counts(stable))
