"""From the app file's `rollout` to the judge's `Strategy`, and a strategy as JSON and back."""

from __future__ import annotations

from typing import Any

from chalicelib.platform.errors import FieldError, InvalidInput
from chalicelib.projects.spec import Rollout, seconds
from chalicelib.rollouts.rules import Gate, Metric, Step, Strategy


def strategy_of(rollout: Rollout) -> Strategy:
    """The strategy that an app file asks for; a gate it leaves out is not judged.

    Raises `InvalidInput` when a step's weight is not above the one before: a rollout only ever moves forward.
    """
    limits = ((Metric.ERROR_RATE, rollout.gates.error_rate), (Metric.LATENCY_P95, rollout.gates.latency_p95))
    strategy = Strategy(
        steps=tuple(Step(step.weight, seconds(step.for_)) for step in rollout.steps),
        gates=tuple(Gate(metric, float(limit)) for metric, limit in limits if limit is not None),
        min_requests=rollout.min_requests,
        inconclusive_after=seconds(rollout.inconclusive_after),
        on_inconclusive=rollout.on_inconclusive,
        interval=seconds(rollout.interval),
    )
    _refuse_falling_weights(strategy)
    return strategy


def strategy_to_dict(strategy: Strategy) -> dict[str, Any]:
    """A strategy as JSON-able values; `strategy_from_dict` gives it back unchanged."""
    return {
        "steps": [[step.weight, step.seconds] for step in strategy.steps],
        "gates": [[gate.metric.value, gate.limit] for gate in strategy.gates],
        "minRequests": strategy.min_requests,
        "inconclusiveAfter": strategy.inconclusive_after,
        "onInconclusive": strategy.on_inconclusive,
        "interval": strategy.interval,
    }


def strategy_from_dict(stored: dict[str, Any]) -> Strategy:
    """The strategy that `strategy_to_dict` stored."""
    return Strategy(
        steps=tuple(Step(weight, length) for weight, length in stored["steps"]),
        gates=tuple(Gate(Metric(metric), limit) for metric, limit in stored["gates"]),
        min_requests=stored["minRequests"],
        inconclusive_after=stored["inconclusiveAfter"],
        on_inconclusive=stored["onInconclusive"],
        interval=stored["interval"],
    )


def _refuse_falling_weights(strategy: Strategy) -> None:
    pairs = enumerate(zip(strategy.steps, strategy.steps[1:], strict=False), start=1)
    fields = [
        FieldError(
            f"rollout.steps[{index}].weight",
            f"{step.weight} is not above the {before.weight} of the step before.",
            "Let the weights rise from step to step.",
        )
        for index, (before, step) in pairs
        if step.weight <= before.weight
    ]
    if fields:
        raise InvalidInput("The rollout's weights do not rise.", fields=fields)
