"""Explanations of rollouts that were never run: the real judge on traffic that is made up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import inf
from typing import Any

from chalicelib.api.evidence_views import step_view
from chalicelib.rollouts.counts import Counts, Sample
from chalicelib.rollouts.evidence import Evidence
from chalicelib.rollouts.explain import explain
from chalicelib.rollouts.gates import Gate, Metric
from chalicelib.rollouts.rules import Step, Strategy

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STRATEGY = Strategy((Step(20, 10), Step(50, 10)), (Gate(Metric.ERROR_RATE, 5), Gate(Metric.LATENCY_P95, 400)), interval=1)


def counts(requests: int, errors: int, slow: int) -> Counts:
    """So many requests in all; `slow` of them took between half a second and one."""
    return Counts(requests, errors, ((0.1, requests - slow), (0.5, requests - slow), (1.0, requests), (inf, requests)))


def step(number: int, *, failing: float = 0.0, slow: float = 0.0, rate: int = 40, looks: int = 12) -> Evidence:
    """The newest analysis of a step in which shares of the canary's requests failed or were slow, a look each second."""
    began = START + timedelta(seconds=20 * number)
    samples, now = [], began
    for second in range(looks + 1):
        now, sent = began + timedelta(seconds=second), rate * second
        canary = counts(sent, int(sent * failing), int(sent * slow))
        samples.append(Sample(now, STRATEGY.steps[number].weight, canary, counts(4 * sent, 0, 0)))
        evidence = Evidence.of("dep_1", STRATEGY, number, began, samples, now)
        if evidence.verdict.decision.value not in ("hold", "inconclusive"):
            break
    return evidence


def steps(*records: Evidence) -> list[Any]:
    """As the API shows them."""
    return [step_view(each).model_dump(mode="json") for each in explain(records)]


def explained(items: list[Any]) -> dict[str, Any]:
    """An explanation of these steps: what the newest one's verdict decided, or why there is none."""
    rest = {"by": None, "end": None}
    if not items:
        return {"deployment": "dep_1", "items": [], "live": False, "decider": "other", "reason": "It has no steps.", **rest}
    last = items[-1]["verdict"]
    decider = "nobody" if last["decision"] in ("hold", "inconclusive") else "judge"
    return {"deployment": "dep_1", "items": items, "live": False, "decider": decider, "reason": last["reason"], **rest}
