"""How a gate on a share of bad requests is judged.

1. A share is condemned by evidence alone (`evalues`), and only if the fault is the canary's own: an absolute gate fails
   when the canary is proven to be over the limit **and** worse than the stable version at the same time (`SHARED`). A fault
   that both have, from the first second or drifting in, is nobody's.
2. A relative gate compares with the stable version block by block, whatever happens to both.
3. "95 % within y" is judged as "at most 5 % slower than y": the two say the same.
4. Traffic of either version that varies more than by chance counts for less (`dispersion`), and the verdict says so.
5. Bad requests that a few bursts could explain condemn nothing (`bursts`), however many they are.

The last two can only take evidence away (`_proof`): what a sound release whose requests are independent is promised holds
whatever they say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, inf, log
from typing import NamedTuple

from chalicelib.rollouts.blocks import lengths
from chalicelib.rollouts.bounds import share_bounds
from chalicelib.rollouts.bursts import steady_against_stable, steady_evidence
from chalicelib.rollouts.counts import Counts, p95_ms
from chalicelib.rollouts.dispersion import between_blocks, between_pods
from chalicelib.rollouts.evalues import Bets, Null, Trials, against_limit, log_evidence, pairs_against_stable
from chalicelib.rollouts.gates import Gate, GateResult, Measured, Metric, Outcome
from chalicelib.rollouts.seen import Count, Seen, canary_blocks, failed, paired_blocks, slow_pairs, slower_than
from chalicelib.rollouts.sentences import share_sentence

MIN_EVIDENCE = 10
"""Fewest requests that may condemn a release."""
SLOW_ALLOWED = 0.05
"""Share of requests that may be slower than y when the 95th percentile is to stay within y."""
SHARED = Null(slope=1.25, margin=0.0)
"""A canary that is no more than a quarter worse than the stable version shares its fault."""
SUSPICIOUS = log(4)
"""Evidence at which a relative gate does not let a release on, though it is far from enough to condemn it."""


class Question(NamedTuple):
    """What is asked of a gate: it fails at evidence of `needed`, which is what it is for the number of `gates`.

    `known` is the spread that earlier steps showed. With `prove` a relative gate is also asked whether the canary is proven
    to be within its margin.
    """

    needed: float
    gates: int = 1
    known: float = 1.0
    prove: bool = False


def judge_share(gate: Gate, seen: Seen, question: Question) -> GateResult:
    """Judge a gate on failed or slow requests."""
    needed = question.needed
    measured = _relative(gate, seen, question) if gate.metric.relative else _absolute(gate, seen, question)
    canary, stable = value_of(gate.metric, seen.canary.counts), value_of(gate.metric, seen.stable.counts)
    outcome = _outcome(measured, needed)
    return GateResult(
        metric=gate.metric,
        limit=gate.limit,
        canary=canary,
        stable=stable,
        allowed=round(_allowed(gate, stable) * 100, 3),
        low=round(measured.band[0] * 100, 3),
        high=round(measured.band[1] * 100, 3),
        outcome=outcome,
        sentence=share_sentence(gate, outcome, measured, canary, stable),
        name=gate.name,
        weight=gate.weight,
        evidence=round(measured.evidence, 3),
        needed=round(needed, 3),
        spread=round(measured.spread, 3),
        doubtful=outcome is Outcome.PASS and _doubtful(gate, measured, canary, needed),
        within=measured.within,
    )


def value_of(metric: Metric, counts: Counts | None) -> float | None:
    """What an arm shows of a metric: percent failed, or milliseconds at the 95th percentile."""
    if counts is None or counts.requests == 0:
        return None
    return round(counts.errors * 100 / counts.requests, 4) if metric.of_errors else p95_ms(counts)


def _absolute(gate: Gate, seen: Seen, question: Question) -> Measured:
    needed = question.needed
    count: Count = failed if gate.metric.of_errors else slower_than(gate.limit / 1000)
    allowed = _allowed(gate, None)
    blocks, pairs = canary_blocks(seen, count), paired_blocks(seen, count)
    spread, of_pods = _spread(blocks, pairs, seen, question.known, of_errors=gate.metric.of_errors)
    whole = count(seen.canary.counts) if seen.canary.counts else Trials(0, 0)
    proof = _over_limit(blocks, allowed, seen, spread, question)
    shared = False
    if proof.evidence >= needed and not seen.uncompared:
        own = _own_fault(pairs, allowed, seen, spread, question)
        shared = own.evidence < needed and _stable_over(seen, count, allowed)
        proof = Proof(min(proof.evidence, own.evidence), proof.plain, few=own.few and own.evidence < needed)
    band = share_bounds(whole.bad, whole.total, spread=spread)
    within = whole.total > 0 and share_bounds(whole.bad, whole.total, exp(-needed), spread=spread)[1] <= allowed
    few = proof.few and not shared
    return Measured(whole.bad, whole.total, band, proof.evidence, 0.0, spread, of_pods, shared, within=within, few=few)


def _relative(gate: Gate, seen: Seen, question: Question) -> Measured:
    needed = question.needed
    of_errors = gate.metric.of_errors
    pairs = paired_blocks(seen, failed) if of_errors else slow_pairs(seen, gate.limit)
    null = Null(1.0, gate.limit / 100 if of_errors else SLOW_ALLOWED)
    spread, of_pods = _spread([canary for canary, _ in pairs], pairs, seen, question.known, of_errors=of_errors)
    seconds = lengths(seen.pairs)
    bets = pairs_against_stable(pairs, null)
    proof = _proof(bets, seconds, spread, SUSPICIOUS, lambda: steady_against_stable(pairs, null) + log(question.gates))
    proven = question.prove and log_evidence(pairs_against_stable(pairs, null, reverse=True), seconds, spread=spread) >= needed
    bad, total = sum(canary.bad for canary, _ in pairs), sum(canary.total for canary, _ in pairs)
    compared = any(stable.total for _, stable in pairs)
    band = share_bounds(bad, total, spread=spread)
    if not compared and seen.alone_by_design:
        return Measured(bad, total, band, 0.0, compared=False, within=True)
    few = proof.few and proof.evidence < needed <= proof.plain
    total = total if compared else 0
    return Measured(bad, total, band, proof.evidence, proof.plain, spread, of_pods, within=proven, few=few)


class Proof(NamedTuple):
    """Evidence, and what it would be if bad requests came by chance alone. `few`: it is fewer because of `bursts`."""

    evidence: float
    plain: float
    few: bool = False


def _proof(bets: Sequence[Bets], seconds: Sequence[float], spread: float, least: float, steady: Callable[[], float]) -> Proof:
    """The least of three answers. The others are asked from `least` on: below that nothing rests on which it is.

    `steady` is what `bursts` says. The gates share alpha, but whether bursts could be the reason is one question for all of
    them, so that its answer counts as if there were one gate.
    """
    plain = log_evidence(bets, seconds)
    if plain < least:
        return Proof(plain, plain)
    widened = log_evidence(bets, seconds, spread=spread) if spread > 1 else plain
    regular = steady()
    return Proof(min(plain, widened, regular), plain, few=regular < min(plain, widened))


def _over_limit(blocks: Sequence[Trials], allowed: float, seen: Seen, spread: float, question: Question) -> Proof:
    """The evidence that more than `allowed` of the canary's requests are bad."""
    if allowed >= 1:
        return Proof(0.0, 0.0)
    if allowed <= 0:  # a single bad request disproves "none at all"
        found = question.needed if any(block.bad for block in blocks) else 0.0
        return Proof(found, found)
    bets = [against_limit(block, allowed) for block in blocks]
    alone = seen.uncompared  # or else the comparison asks whether the canary's own bursts could be the reason
    once = log(question.gates)
    return _proof(
        bets, lengths(seen.alone), spread, question.needed, lambda: steady_evidence(blocks, allowed) + once if alone else inf
    )


def _own_fault(pairs: Sequence[tuple[Trials, Trials]], allowed: float, seen: Seen, spread: float, question: Question) -> Proof:
    """The evidence that the canary is worse than the stable version, so that a fault is its own."""
    if allowed <= 0:
        own = 0.0 if any(stable.bad for _, stable in pairs) else question.needed
        return Proof(own, own)
    bets, once = pairs_against_stable(pairs, SHARED), log(question.gates)
    return _proof(bets, lengths(seen.pairs), spread, question.needed, lambda: steady_against_stable(pairs, SHARED) + once)


def _doubtful(gate: Gate, measured: Measured, canary: float | None, needed: float) -> bool:
    """Whether what was seen so far is over the limit, or only its spread keeps it from being condemned."""
    if measured.unwidened >= needed:
        return True
    if gate.metric.relative:
        return measured.evidence >= SUSPICIOUS
    return canary is not None and canary > gate.limit


def _stable_over(seen: Seen, count: Count, allowed: float) -> bool:
    stable = count(seen.stable.counts) if seen.stable.counts else Trials(0, 0)
    return stable.bad > allowed * stable.total


def _spread(
    blocks: Sequence[Trials], pairs: Sequence[tuple[Trials, Trials]], seen: Seen, known: float, *, of_errors: bool
) -> tuple[float, bool]:
    """How much more than by chance bad requests vary, in time or among the canary's pods, and whether it is the pods."""
    in_time = max(between_blocks(blocks, known), between_blocks([stable for _, stable in pairs], known))
    pods = seen.canary.counts.pods if of_errors and seen.canary.counts else ()
    among_pods = between_pods([Trials(errors, requests) for _, requests, errors in pods])
    return max(in_time, among_pods), among_pods > in_time


def _allowed(gate: Gate, stable: float | None) -> float:
    """The share of the canary's requests that may be bad, where `stable` percent of the stable version's are."""
    if not gate.metric.of_errors:
        return SLOW_ALLOWED
    return min(1.0, (gate.limit + (stable or 0.0 if gate.metric.relative else 0.0)) / 100)


def _outcome(measured: Measured, needed: float) -> Outcome:
    if not measured.total and measured.compared:
        return Outcome.UNKNOWN
    if measured.shared:
        return Outcome.SHARED
    return Outcome.FAIL if measured.total >= MIN_EVIDENCE and measured.evidence >= needed else Outcome.PASS
