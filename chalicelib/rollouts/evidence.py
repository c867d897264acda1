"""The evidence of one analysis: everything its verdict is a function of, small enough to store beside it.

1. `Evidence.of` judges what it stores, not what it was given: replaying a record with the same rules gives its verdict.
2. Samples are stored counting from the step's beginning (`counts.rebase`), and those alone that a verdict depends on
   (`blocks.thinned`): a hundred or two.
3. An analysis goes on from the one before of its step, and has all that was seen since the step began.
4. A record is JSON-able: an infinite bucket bound is stored as null.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.rollouts.blocks import thinned
from chalicelib.rollouts.counts import Arm, Counts, Measurement, Sample, go_on, newest, rebase
from chalicelib.rollouts.gates import GateResult, Metric, Outcome, Weight
from chalicelib.rollouts.rules import Decision, Figures, Spreads, Strategy, Verdict, judge_counted
from chalicelib.rollouts.strategy import strategy_from_dict, strategy_to_dict


@dataclass(frozen=True, slots=True)
class Evidence:
    """One analysis of a deployment: the judge's arguments and its verdict at the moment `at`.

    `latest` has the newest readings as they were read; the analysis after this one counts on from them. `known` is how much
    bad requests clumped in the steps before, as their newest analysis said.
    """

    deployment: str
    step: int
    step_started_at: datetime
    strategy: Strategy
    samples: tuple[Sample, ...]
    at: datetime
    verdict: Verdict
    latest: Sample | None = None
    known: Spreads = ()

    @property
    def rule_version(self) -> str:
        """The version of the rules that gave the verdict."""
        return self.verdict.rule_version

    @classmethod
    def of(
        cls,
        deployment: str,
        strategy: Strategy,
        step: int,
        step_started_at: datetime,
        samples: Iterable[Sample],
        now: datetime,
        *,
        before: Evidence | None = None,
    ) -> Evidence:
        """Judge, and keep what was judged. `before` is the newest analysis so far; of another step only its spreads count."""
        fresh = tuple(samples)
        known: tuple[Sample, ...] = ()
        if before is not None and before.latest is not None and before.step_started_at == step_started_at:
            known = (before.latest,)
            counted = go_on(before.samples, before.latest, fresh, now)
        else:
            counted = fresh
        kept = _lean(thinned(rebase(counted, step_started_at, now), step_started_at, strategy.interval))
        spreads = _spreads(before, step_started_at)
        verdict = judge_counted(strategy, step, step_started_at, kept, now, spreads)
        return cls(deployment, step, step_started_at, strategy, kept, now, verdict, newest((*known, *fresh), now), spreads)

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values."""
        whole = (*self.samples, *([self.latest] if self.latest else []))
        bounds = sorted({_bounds(counts) for sample in whole for counts in (sample.canary, sample.stable) if counts})
        return {
            "deployment": self.deployment,
            "step": self.step,
            "stepStartedAt": self.step_started_at.isoformat(),
            "strategy": strategy_to_dict(self.strategy),
            "bounds": [[None if math.isinf(bound) else bound for bound in each] for each in bounds],
            "samples": [_sample_to_list(sample, bounds, self.step_started_at) for sample in self.samples],
            "at": self.at.isoformat(),
            "verdict": verdict_to_dict(self.verdict),
            "latest": _sample_to_list(self.latest, bounds, self.step_started_at) if self.latest else None,
            **({"known": dict(self.known)} if self.known else {}),
        }

    @classmethod
    def from_dict(cls, stored: dict[str, Any]) -> Evidence:
        """The evidence that `to_dict` stored."""
        bounds = [tuple(math.inf if bound is None else bound for bound in each) for each in stored["bounds"]]
        started = datetime.fromisoformat(stored["stepStartedAt"])
        return cls(
            deployment=stored["deployment"],
            step=stored["step"],
            step_started_at=started,
            strategy=strategy_from_dict(stored["strategy"]),
            samples=tuple(_sample_from_list(sample, bounds, started) for sample in stored["samples"]),
            at=datetime.fromisoformat(stored["at"]),
            verdict=verdict_from_dict(stored["verdict"]),
            latest=_sample_from_list(stored["latest"], bounds, started) if stored.get("latest") else None,
            known=tuple(stored.get("known", {}).items()),
        )


def verdict_to_dict(verdict: Verdict) -> dict[str, Any]:
    """A verdict as JSON-able values; `verdict_from_dict` gives it back unchanged."""
    return {
        "decision": verdict.decision.value,
        "reason": verdict.reason,
        "gates": [_result_to_dict(gate) for gate in verdict.gates],
        "canary": asdict(verdict.canary),
        "stable": asdict(verdict.stable),
        "needs_person": verdict.needs_person,
        "rule_version": verdict.rule_version,
    }


def verdict_from_dict(stored: dict[str, Any]) -> Verdict:
    """The verdict that `verdict_to_dict` stored, of this version of the rules or of an older one."""
    return Verdict(
        decision=Decision(stored["decision"]),
        reason=stored["reason"],
        gates=tuple(_result_from_dict(gate) for gate in stored["gates"]),
        canary=Figures(**stored["canary"]),
        stable=Figures(**stored["stable"]),
        needs_person=stored["needs_person"],
        rule_version=stored["rule_version"],
    )


def _result_to_dict(result: GateResult) -> dict[str, Any]:
    """Without what is not worth its bytes: a name that is the metric's, and what has its default."""
    words = {"metric": result.metric.value, "outcome": result.outcome.value, "weight": result.weight.value}
    usual = {each.name: each.default for each in fields(GateResult)} | {"name": result.metric.value}
    return {key: value for key, value in {**asdict(result), **words}.items() if value != usual[key]}


def _result_from_dict(stored: dict[str, Any]) -> GateResult:
    metric, weight = Metric(stored["metric"]), Weight(stored.get("weight", Weight.CRITICAL))
    named = {"name": metric.value, **stored}
    return GateResult(**{**named, "metric": metric, "outcome": Outcome(stored["outcome"]), "weight": weight})


def spreads_shown(verdict: Verdict) -> Spreads:
    """What a step's verdict tells the next step of how bad requests clump."""
    return tuple((gate.name, gate.spread) for gate in verdict.gates if gate.spread > 1)


def _spreads(before: Evidence | None, step_started_at: datetime) -> Spreads:
    """What is known of earlier steps: what the step's analysis before knew, or what the step before showed."""
    if before is None:
        return ()
    return before.known if before.step_started_at == step_started_at else spreads_shown(before.verdict)


def _lean(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    """Without the pods of all but each arm's last reading: only their totals count."""
    for arm in Arm:
        last = max((index for index, sample in enumerate(samples) if sample.of(arm)), default=-1)
        samples = tuple(each if index == last else _without_pods(each, arm) for index, each in enumerate(samples))
    return samples


def _without_pods(sample: Sample, arm: Arm) -> Sample:
    counts = sample.of(arm)
    if counts is None or not counts.pods:
        return sample
    lean = replace(counts, pods=())
    return replace(sample, canary=lean) if arm is Arm.CANARY else replace(sample, stable=lean)


def _bounds(counts: Counts) -> tuple[float, ...]:
    return tuple(bound for bound, _ in counts.latency)


def _sample_to_list(sample: Sample, bounds: list[tuple[float, ...]], since: datetime) -> list[Any]:
    """[time, weight, canary, stable], and where there are any: values, the canary's pods, the stable version's pods.

    The time is in microseconds since the step began; the first rules wrote it as ISO 8601. A reading is [requests, errors,
    which bounds, a count for each] or null.
    """

    def reading(counts: Counts | None) -> list[int] | None:
        if counts is None:
            return None
        return [counts.requests, counts.errors, bounds.index(_bounds(counts)), *(count for _, count in counts.latency)]

    whole: list[Any] = [
        (sample.at - since) // timedelta(microseconds=1),
        sample.weight,
        reading(sample.canary),
        reading(sample.stable),
    ]
    pods = [list(map(list, counts.pods)) if counts else [] for counts in (sample.canary, sample.stable)]
    return [*whole, list(map(list, sample.values)), *pods] if sample.values or any(pods) else whole


def _sample_from_list(stored: list[Any], bounds: list[tuple[float, ...]], since: datetime) -> Sample:
    at, weight, canary, stable, values, canary_pods, stable_pods = (*stored, [], [], [])[:7]

    def counts(reading: list[int] | None, pods: list[list[Any]]) -> Counts | None:
        if reading is None:
            return None
        requests, errors, which, *latency = reading
        named = tuple((str(name), int(served), int(failed)) for name, served, failed in pods)
        return Counts(requests, errors, tuple(zip(bounds[which], latency, strict=True)), named)

    measured = tuple(Measurement(*value) for value in values)
    moment = since + timedelta(microseconds=at) if isinstance(at, int) else datetime.fromisoformat(at)
    return Sample(moment, weight, counts(canary, canary_pods), counts(stable, stable_pods), measured)
