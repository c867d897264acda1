"""From the app file's `rollout` to the judge's `Strategy`, and a strategy as JSON and back."""

from __future__ import annotations

from dataclasses import asdict, astuple, fields, replace
from typing import Any, Literal

from chalicelib.platform.errors import FieldError, InvalidInput
from chalicelib.projects.rollout_spec import BlueGreen
from chalicelib.projects.spec import CustomGate, Gates, Rollout, seconds
from chalicelib.rollouts.batches import Rolling, batches_of, judged_batches
from chalicelib.rollouts.gates import Custom, Gate, Metric, Weight
from chalicelib.rollouts.rules import Step, Strategy

_NAMES = {
    "minRequests": "min_requests",
    "inconclusiveAfter": "inconclusive_after",
    "onInconclusive": "on_inconclusive",
    "interval": "interval",
    "alpha": "alpha",
    "advanceOn": "advance_on",
    "scaleDownDelay": "scale_down_delay",
    "recreate": "recreate",
    "batchFor": "batch_seconds",
}
"""What is stored beside steps and gates, and the attribute that has it."""


def strategy_of(rollout: Rollout) -> Strategy:
    """The strategy that an app file asks for; a gate that is null there is not judged.

    Raises `InvalidInput` when a step's weight is not above the one before: a rollout only ever moves forward.
    """
    strategy = Strategy(
        steps=steps_of(rollout),
        gates=gates_of(rollout.gates),
        min_requests=rollout.min_requests,
        inconclusive_after=seconds(rollout.inconclusive_after),
        on_inconclusive=rollout.on_inconclusive,
        interval=seconds(rollout.interval),
        alpha=rollout.alpha / 100,
        advance_on=rollout.advance_on,
        scale_down_delay=seconds(rollout.scale_down_delay),
        recreate=rollout.strategy == "recreate",
        rolling=Rolling(*rollout.replacing) if rollout.strategy == "rolling" else None,
        batch_seconds=seconds(rollout.batch_for),
    )
    _refuse_falling_weights(strategy)
    return strategy


def steps_of(rollout: Rollout) -> tuple[Step, ...]:
    """The steps of the way that an app file asks for.

    Blue and green are a step without traffic, the preview, and one with all of it, in which the release is judged while the
    one before still runs. What is recreated has no steps: there is nothing beside it. Those of a rolling release are its
    batches, which `in_batches` makes when it is known how many instances there are.
    """
    if rollout.strategy in ("recreate", "rolling"):
        return ()
    if rollout.strategy == "blueGreen":
        chosen = rollout.blue_green or BlueGreen.model_validate({})
        return (Step(0, seconds(chosen.preview_for), chosen.approval), Step(100, seconds(chosen.watch_for)))
    return tuple(Step(step.weight, seconds(step.for_), step.approval) for step in rollout.steps)


def in_batches(strategy: Strategy, stable: int, wanted: int) -> Strategy:
    """A rolling strategy for so many instances of the stable release and of the one that takes over; any other as it is."""
    if strategy.rolling is None:
        return strategy
    sized = replace(strategy.rolling, stable=stable, wanted=wanted)
    steps = tuple(Step(batch.weight, strategy.batch_seconds) for batch in judged_batches(batches_of(sized)))
    return replace(strategy, rolling=sized, steps=steps)


def gates_of(gates: Gates) -> tuple[Gate, ...]:
    """The gates that an app file asks for."""
    limits = (
        (Metric.ERROR_RATE, gates.error_rate),
        (Metric.LATENCY_P95, gates.latency_p95),
        (Metric.ERROR_RATE_INCREASE, gates.error_rate_increase),
        (Metric.LATENCY_P95_INCREASE, gates.latency_p95_increase),
    )
    weights = {metric: Weight.ADVISORY if metric.value in gates.advisory else Weight.CRITICAL for metric, _ in limits}
    plain = (Gate(metric, float(limit), weights[metric]) for metric, limit in limits if limit is not None)
    return (*plain, *(_custom_gate(each) for each in gates.custom))


def strategy_to_dict(strategy: Strategy) -> dict[str, Any]:
    """A strategy as JSON-able values; `strategy_from_dict` gives it back unchanged.

    It is written with every change of a deployment, and billed by its size: what has its default is left out.
    """
    told = {name: getattr(strategy, attribute) for name, attribute in _NAMES.items()}
    usual = {each.name: each.default for each in fields(Strategy)}
    return {
        "steps": [[step.weight, step.seconds, *([True] if step.approval else [])] for step in strategy.steps],
        "gates": [_gate_to_list(gate) for gate in strategy.gates],
        **{name: value for name, value in told.items() if value != usual[_NAMES[name]]},
        **({"rolling": list(astuple(strategy.rolling))} if strategy.rolling is not None else {}),
    }


def strategy_from_dict(stored: dict[str, Any]) -> Strategy:
    """The strategy that `strategy_to_dict` stored, of this version of the rules or of an older one."""
    return Strategy(
        steps=tuple(Step(*step) for step in stored["steps"]),
        gates=tuple(_gate_from_list(*gate) for gate in stored["gates"]),
        rolling=Rolling(*stored["rolling"]) if "rolling" in stored else None,
        **{attribute: stored[name] for name, attribute in _NAMES.items() if name in stored},
    )


def _custom_gate(asked: CustomGate) -> Gate:
    if asked.webhook is not None:
        return Gate(Metric.CUSTOM, 1.0, Weight(asked.weight), Custom(asked.name, "webhook", asked.webhook, "min"))
    bound: Literal["max", "min"] = "max" if asked.max is not None else "min"
    limit = asked.max if asked.max is not None else asked.min
    return Gate(Metric.CUSTOM, float(limit or 0.0), Weight(asked.weight), Custom(asked.name, "query", asked.query or "", bound))


def _gate_to_list(gate: Gate) -> list[Any]:
    """[metric, limit, weight, custom], as long as needed."""
    limit = int(gate.limit) if gate.limit.is_integer() else gate.limit
    whole = [gate.metric.value, limit, gate.weight.value, asdict(gate.custom) if gate.custom else None]
    return whole if gate.custom else whole[:3] if gate.weight is not Weight.CRITICAL else whole[:2]


def _gate_from_list(
    metric: str, limit: float, weight: str = Weight.CRITICAL.value, custom: dict[str, Any] | None = None
) -> Gate:
    return Gate(Metric(metric), float(limit), Weight(weight), Custom(**custom) if custom else None)


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
