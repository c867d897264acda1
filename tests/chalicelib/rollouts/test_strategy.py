"""From the app file's words to the judge's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from pydantic import ValidationError

from chalicelib.platform.errors import InvalidInput
from chalicelib.projects.spec import CanaryStep, Rollout
from chalicelib.rollouts.batches import Rolling
from chalicelib.rollouts.gates import Custom, Gate, Metric, Weight
from chalicelib.rollouts.rules import Step, Strategy
from chalicelib.rollouts.strategy import in_batches, strategy_from_dict, strategy_of, strategy_to_dict
from tests.chalicelib.rollouts.builders import STRATEGY, strategies


def test_what_the_app_file_does_not_say_has_the_documented_defaults() -> None:
    assert strategy_of(Rollout()) == Strategy(
        steps=(Step(10, 30), Step(50, 30)),
        gates=(Gate(Metric.ERROR_RATE, 5.0), Gate(Metric.LATENCY_P95, 1000.0), Gate(Metric.ERROR_RATE_INCREASE, 0.25)),
        min_requests=20,
        inconclusive_after=600,
        on_inconclusive="hold",
        interval=5,
        alpha=0.01,
        advance_on="time",
    )


def test_a_gate_left_out_is_not_judged() -> None:
    rollout = Rollout.model_validate({"gates": {"errorRate": None, "latencyP95": 400, "errorRateIncrease": None}})

    assert strategy_of(rollout).gates == (Gate(Metric.LATENCY_P95, 400.0),)


def test_gates_of_every_kind_are_taken_with_their_weights() -> None:
    gates = {
        "errorRate": 2,
        "latencyP95": None,
        "latencyP95Increase": 50,
        "advisory": ["latencyP95Increase"],
        "custom": [
            {"name": "depth", "query": "max(depth)", "max": 100},
            {"name": "hits", "query": "hits", "min": 0.5, "weight": "advisory"},
            {"name": "smoke", "webhook": "https://example.com/smoke"},
        ],
    }
    rollout = Rollout.model_validate({"alpha": 0.5, "advanceOn": "evidence", "gates": gates})
    strategy = strategy_of(rollout)

    assert strategy.gates == (
        Gate(Metric.ERROR_RATE, 2.0),
        Gate(Metric.ERROR_RATE_INCREASE, 0.25),
        Gate(Metric.LATENCY_P95_INCREASE, 50.0, Weight.ADVISORY),
        Gate(Metric.CUSTOM, 100.0, Weight.CRITICAL, Custom("depth", "query", "max(depth)", "max")),
        Gate(Metric.CUSTOM, 0.5, Weight.ADVISORY, Custom("hits", "query", "hits", "min")),
        Gate(Metric.CUSTOM, 1.0, Weight.CRITICAL, Custom("smoke", "webhook", "https://example.com/smoke", "min")),
    )
    assert (strategy.alpha, strategy.advance_on) == (0.005, "evidence")


def test_a_strategy_of_the_first_rules_is_still_read() -> None:
    stored = {
        "steps": [[20, 30], [50, 30]],
        "gates": [["errorRate", 5.0], ["latencyP95", 400.0]],
        "minRequests": 20,
        "inconclusiveAfter": 600,
        "onInconclusive": "hold",
        "interval": 5,
    }

    assert strategy_from_dict(stored) == STRATEGY
    assert strategy_to_dict(STRATEGY) == {"steps": stored["steps"], "gates": stored["gates"]}


def test_weights_that_do_not_rise_are_refused_by_step() -> None:
    steps = tuple(CanaryStep.model_validate({"weight": weight, "for": "1m"}) for weight in (10, 50, 50, 20))

    with pytest.raises(InvalidInput) as refused:
        strategy_of(Rollout.model_construct(**{**Rollout().__dict__, "steps": steps}))

    assert [error.field for error in refused.value.fields] == ["rollout.steps[2].weight", "rollout.steps[3].weight"]


@given(strategies())
def test_a_stored_strategy_comes_back_unchanged(strategy: Strategy) -> None:
    assert strategy_from_dict(json.loads(json.dumps(strategy_to_dict(strategy)))) == strategy


def test_blue_and_green_are_a_preview_without_traffic_and_a_step_with_all_of_it() -> None:
    rollout = Rollout.model_validate(
        {"strategy": "blueGreen", "blueGreen": {"previewFor": "1m", "approval": True}, "scaleDownDelay": "5m"}
    )
    strategy = strategy_of(rollout)

    assert strategy.steps == (Step(0, 60, approval=True), Step(100, 30))
    assert strategy.scale_down_delay == 300
    assert strategy_from_dict(json.loads(json.dumps(strategy_to_dict(strategy)))) == strategy


def test_what_is_recreated_has_no_steps() -> None:
    strategy = strategy_of(Rollout.model_validate({"strategy": "recreate"}))

    assert (strategy.steps, strategy.recreate) == ((), True)
    assert strategy_from_dict(strategy_to_dict(strategy)) == strategy


def test_a_rolling_release_has_a_step_for_each_batch_that_moves_traffic_once_its_sizes_are_known() -> None:
    rollout = Rollout.model_validate({"strategy": "rolling", "maxSurge": 1, "maxUnavailable": "0%", "batchFor": "5s"})
    asked = strategy_of(rollout)
    strategy = in_batches(asked, 2, 2)

    assert (asked.steps, asked.rolling) == ((), Rolling(1, "0%"))
    assert strategy.steps == (Step(50, 5), Step(100, 5))
    assert strategy.rolling == Rolling(1, "0%", stable=2, wanted=2)
    assert strategy_from_dict(json.loads(json.dumps(strategy_to_dict(strategy)))) == strategy
    assert in_batches(STRATEGY, 2, 2) == STRATEGY


@pytest.mark.parametrize(
    ("pin", "said"),
    [({}, "needs a header or a cookie"), ({"header": "Host"}, "has another meaning"), ({"cookie": "a b"}, "pattern")],
)
def test_a_pin_that_means_nothing_is_refused(pin: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Rollout.model_validate({"pin": pin})
