"""The judge of a canary: samples in, one verdict with its reason out.

1. A verdict is a function of its arguments alone; the same samples in any order, or repeated, give the same verdict.
2. What is judged is what the canary served in the present step: each step earns its own way on. Of earlier ones only is
   known how much bad requests clump.
3. Only proof rolls back. A gate fails when the evidence against the release is so strong that a sound one would show it, at
   any of any number of looks, with a probability of `alpha` shared among the critical gates and the steps: over all of
   them, `alpha` bounds the chance that a sound release is ever rolled back by a gate (`judging`, `evalues`). A step that is
   resumed after a pause begins anew, and adds its share again.
4. Only evidence advances: the step's time is over, the canary served `min_requests` in it, the readings are fresh, every
   critical gate could be judged, and none speaks against the release. With `advance_on` evidence every critical gate must
   besides be proven to be kept. No traffic and no readings are inconclusive, never a pass.
5. A fault that the stable version has too is nobody's: hold, and never roll back for it.
6. Waiting ends: after `inconclusive_after` (and not before the step's own time is over) the strategy's policy decides.
7. An advisory gate is told and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from math import log
from typing import Literal

from chalicelib.rollouts.batches import Rolling
from chalicelib.rollouts.counts import Sample, Window, p95_ms, rebase
from chalicelib.rollouts.custom import judge_custom
from chalicelib.rollouts.gates import Gate, GateResult, Metric, Outcome, Weight
from chalicelib.rollouts.judging import Question, judge_share
from chalicelib.rollouts.seen import Seen

RULE_VERSION = "3"
"""Changes with every change that could change a verdict; it is stored with each."""
STALE_INTERVALS = 3
"""After this many intervals without a reading of the canary, what was read before says nothing about now."""
ALPHA = 0.01
"""Greatest chance that a sound release is rolled back by a gate, unless a strategy says otherwise."""


class Decision(StrEnum):
    """What is to be done, from the mildest to the gravest: of several findings the gravest decides (`severity`)."""

    PROMOTE = "promote"
    ADVANCE = "advance"
    HOLD = "hold"
    INCONCLUSIVE = "inconclusive"
    ROLL_BACK = "rollBack"


@dataclass(frozen=True, slots=True)
class Step:
    """This percent of requests goes to the canary for at least so many seconds; with `approval`, then until a person agrees."""

    weight: int
    seconds: int
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Strategy:
    """How a release takes over. No gates: only time and `min_requests` decide. Times are in seconds.

    `recreate`: what was live is stopped before the release starts. `scale_down_delay`: how long what has no traffic runs on.
    `rolling`: instances move in batches, of which each is a step; `batch_seconds` is the shortest time of one.
    """

    steps: tuple[Step, ...]
    gates: tuple[Gate, ...] = ()
    min_requests: int = 20
    inconclusive_after: int = 600
    on_inconclusive: Literal["hold", "rollBack"] = "hold"
    interval: int = 5
    alpha: float = ALPHA
    advance_on: Literal["time", "evidence"] = "time"
    scale_down_delay: int = 0
    recreate: bool = False
    rolling: Rolling | None = None
    batch_seconds: int = 0

    def while_paused(self) -> Strategy:
        """The same, for a rollout that a person paused: gates still roll back, the end of waiting does not."""
        return replace(self, on_inconclusive="hold")

    @property
    def needed(self) -> float:
        """The evidence, as a logarithm, at which one gate fails in one step."""
        return log(self.tested * max(1, len(self.steps)) / self.alpha)

    @property
    def tested(self) -> int:
        """How many gates share alpha; 1 at least."""
        return max(1, sum(gate.weight is Weight.CRITICAL and gate.metric is not Metric.CUSTOM for gate in self.gates))


@dataclass(frozen=True, slots=True)
class Figures:
    """What one arm served in the step; `requests` is None when it was never read."""

    requests: int | None
    errors: int | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judge's answer; `reason` is one sentence with its numbers, for people. `needs_person`: waiting has lasted so
    long that someone should promote, abort, or see why nothing can be said."""

    decision: Decision
    reason: str
    gates: tuple[GateResult, ...]
    canary: Figures
    stable: Figures
    needs_person: bool = False
    rule_version: str = RULE_VERSION


Finding = tuple[Decision, str]
Spreads = tuple[tuple[str, float], ...]
"""How much more than by chance bad requests varied, by the name of the gate that limits them; 1 where a gate is not named."""


def severity(decision: str) -> int:
    """Where a decision stands in the one order of gravity; a decision that nobody knows is the gravest of all."""
    order = list(Decision)
    return order.index(Decision(decision)) if decision in order else len(order)


def judge(
    strategy: Strategy, step: int, step_started_at: datetime, samples: Iterable[Sample], now: datetime, known: Spreads = ()
) -> Verdict:
    """Judge the step (from 0) that began at `step_started_at`, at the moment `now`.

    `samples` may be all of the rollout's or any of them; what counts is those of this step, from the newest reading that
    is not after its beginning (take one just before weights move). A step beyond the last is taken for the last. `known` is
    what earlier steps showed.
    """
    return judge_counted(strategy, step, step_started_at, rebase(samples, step_started_at, now), now, known)


def judge_counted(
    strategy: Strategy, step: int, step_started_at: datetime, counted: Sequence[Sample], now: datetime, known: Spreads = ()
) -> Verdict:
    """`judge`, where the samples are rebased already (`counts.rebase`), as those of a record of evidence are.

    `known` is what the rollout's earlier steps showed.
    """
    seen = Seen.of(counted, step_started_at, strategy.interval)
    spreads = dict(known)
    gates = tuple(_judge_gate(gate, strategy, seen, now, spreads.get(gate.name, 1.0)) for gate in strategy.gates)
    elapsed = max(0.0, (now - step_started_at).total_seconds())
    if step_of(strategy, step).weight > 0:
        findings = [*_of_evidence(strategy, seen, now), *_of_gates(strategy, gates)]
    else:  # a preview, which has no traffic but that of people who asked for it
        findings = [found for found in _of_gates(strategy, gates) if found[0] is Decision.ROLL_BACK]
    findings += _of_time(strategy, step, elapsed, seen.canary)
    decision, reason = max(findings, key=lambda finding: severity(finding[0]))
    needs_person = False
    if decision in (Decision.HOLD, Decision.INCONCLUSIVE) and elapsed >= _patience(strategy, step):
        decision, reason = _end_of_patience(strategy, gates, reason, elapsed)
        needs_person = decision is Decision.HOLD
    return Verdict(decision, reason, gates, _figures(seen.canary), _figures(seen.stable), needs_person)


def step_of(strategy: Strategy, step: int) -> Step:
    """The step of that index; the last for one beyond it, and all at once for a strategy without steps."""
    return strategy.steps[max(0, min(step, len(strategy.steps) - 1))] if strategy.steps else Step(100, 0)


def _judge_gate(gate: Gate, strategy: Strategy, seen: Seen, now: datetime, known: float) -> GateResult:
    if gate.custom is not None:
        return judge_custom(gate, gate.custom, seen.recent, now, timedelta(seconds=STALE_INTERVALS * strategy.interval))
    return judge_share(gate, seen, Question(strategy.needed, strategy.tested, known, strategy.advance_on == "evidence"))


def _of_evidence(strategy: Strategy, seen: Seen, now: datetime) -> list[Finding]:
    canary, stable = seen.canary, seen.stable
    if canary.counts is None or canary.newest is None:
        return [(Decision.INCONCLUSIVE, "The canary's traffic could not be read in this step.")]
    if now - canary.newest > timedelta(seconds=STALE_INTERVALS * strategy.interval):
        age = (now - canary.newest).total_seconds()
        return [(Decision.INCONCLUSIVE, f"The canary's traffic was last read {age:.0f} s ago.")]
    if canary.counts.requests < strategy.min_requests:
        beside = f"; the stable version served {stable.counts.requests}" if stable.counts else ""
        served = f"The canary served {canary.counts.requests} of the {strategy.min_requests} requests that this step needs"
        return [(Decision.INCONCLUSIVE, f"{served}{beside}.")]
    return []


def _of_gates(strategy: Strategy, gates: tuple[GateResult, ...]) -> list[Finding]:
    found = {Outcome.FAIL: Decision.ROLL_BACK, Outcome.SHARED: Decision.HOLD, Outcome.UNKNOWN: Decision.INCONCLUSIVE}
    critical = [gate for gate in gates if gate.weight is Weight.CRITICAL]
    findings = [(found[gate.outcome], gate.sentence) for gate in critical if gate.outcome in found]
    findings += [(Decision.HOLD, f"{gate.sentence} That is not yet certain.") for gate in critical if gate.doubtful]
    if strategy.advance_on == "evidence":
        unproven = [gate for gate in critical if gate.outcome is Outcome.PASS and not gate.within]
        findings += [(Decision.HOLD, f"{gate.sentence} It is not yet proven to be within.") for gate in unproven]
    return findings


def _of_time(strategy: Strategy, step: int, elapsed: float, canary: Window) -> list[Finding]:
    here = step_of(strategy, step)
    served = _served(canary)
    if elapsed < here.seconds:
        return [(Decision.HOLD, f"{elapsed:.0f} s of {here.seconds} s at {here.weight} %: {served}.")]
    if here.weight == 0:
        return [(Decision.ADVANCE, f"The preview stood for {elapsed:.0f} s: {served}.")]
    if step >= len(strategy.steps) - 1:
        return [(Decision.PROMOTE, f"The last step at {here.weight} % kept to every gate: {served}.")]
    return [(Decision.ADVANCE, f"The step at {here.weight} % kept to every gate: {served}.")]


def _patience(strategy: Strategy, step: int) -> int:
    return max(strategy.inconclusive_after, step_of(strategy, step).seconds)


def _end_of_patience(strategy: Strategy, gates: tuple[GateResult, ...], reason: str, elapsed: float) -> Finding:
    """Never a roll-back for a fault that is shared: the stable version would not be better."""
    shared = any(gate.outcome is Outcome.SHARED for gate in gates)
    if strategy.on_inconclusive == "rollBack" and not shared:
        return Decision.ROLL_BACK, f"Nothing certain after {elapsed:.0f} s, so the strategy rolls back. {reason}"
    return Decision.HOLD, f"Nothing certain after {elapsed:.0f} s: waiting for a person. {reason}"


def _figures(arm: Window) -> Figures:
    counts = arm.counts
    return Figures(counts.requests, counts.errors, p95_ms(counts)) if counts else Figures(None, None, None)


def _served(arm: Window) -> str:
    figures = _figures(arm)
    p95 = "" if figures.p95_ms is None else f", 95 % within {figures.p95_ms:.0f} ms"
    return f"{figures.errors or 0} of {figures.requests or 0} requests failed{p95}"
