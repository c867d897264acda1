"""From the app file's words to the judge's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given

from chalicelib.platform.errors import InvalidInput
from chalicelib.projects.spec import CanaryStep, Rollout
from chalicelib.rollouts.rules import Gate, Metric, Step, Strategy
from chalicelib.rollouts.strategy import strategy_from_dict, strategy_of, strategy_to_dict
from tests.chalicelib.rollouts.builders import strategies


def test_what_the_app_file_does_not_say_has_the_documented_defaults() -> None:
    assert strategy_of(Rollout()) == Strategy(
        steps=(Step(10, 30), Step(50, 30)),
        gates=(Gate(Metric.ERROR_RATE, 5.0), Gate(Metric.LATENCY_P95, 1000.0)),
        min_requests=20,
        inconclusive_after=600,
        on_inconclusive="hold",
        interval=5,
    )


def test_a_gate_left_out_is_not_judged() -> None:
    rollout = Rollout.model_validate({"gates": {"errorRate": None, "latencyP95": 400}})

    assert strategy_of(rollout).gates == (Gate(Metric.LATENCY_P95, 400.0),)


def test_weights_that_do_not_rise_are_refused_by_step() -> None:
    steps = tuple(CanaryStep.model_validate({"weight": weight, "for": "1m"}) for weight in (10, 50, 50, 20))

    with pytest.raises(InvalidInput) as refused:
        strategy_of(Rollout.model_construct(**{**Rollout().__dict__, "steps": steps}))

    assert [error.field for error in refused.value.fields] == ["rollout.steps[2].weight", "rollout.steps[3].weight"]


@given(strategies())
def test_a_stored_strategy_comes_back_unchanged(strategy: Strategy) -> None:
    assert strategy_from_dict(json.loads(json.dumps(strategy_to_dict(strategy)))) == strategy
