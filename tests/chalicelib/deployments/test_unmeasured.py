"""Behind a gateway that does not tell how long a release's requests take."""

from __future__ import annotations

import pytest

from chalicelib.deployments.tasks import Gateway
from chalicelib.projects.service import ServiceSpec
from tests.support.rollout import Stage

ROLLOUT = {"steps": [{"weight": 50, "for": "10s"}], "interval": "1s", "minRequests": 20, "inconclusiveAfter": "20s"}


@pytest.fixture
def blind(stage: Stage) -> Stage:
    """A service with a stable release."""
    stage.gateway, stage.fakes.metrics.timed = Gateway("envoy-gateway"), False
    stage.deploy(spec=asking())
    return stage


def asking(**gates: object) -> ServiceSpec:
    return ServiceSpec.model_validate({"rollout": {**ROLLOUT, "gates": gates}})


def test_a_release_with_the_usual_gates_is_promoted_and_the_timeline_says_what_was_not_judged(
    blind: Stage,
) -> None:
    made = blind.deploy(digit="b", spec=asking())

    assert made["state"] == "promoted"
    assert blind.told(made["id"], "gates") == [
        "The metrics of envoy-gateway do not tell how long a release's requests take, so latencyP95 is not judged. "
        "A custom gate with a query of your own can judge it."
    ]


def test_errors_are_judged_all_the_same(blind: Stage) -> None:
    blind.failing = 0.5

    assert blind.deploy(digit="b", spec=asking())["state"] == "rolled_back"


def test_a_limit_that_somebody_set_is_not_dropped_and_the_timeline_says_at_once_that_it_cannot_be_known(blind: Stage) -> None:
    made = blind.create()
    blind.begin(made["id"])
    blind.built(made["id"], asking(latencyP95=400), digit="b")
    blind.run(made["id"], until="AwaitReady")

    (told,) = blind.told(made["id"], "gates")
    assert "latencyP95 will not be known" in told
    assert "Set it to null" in told


def test_it_is_never_promoted_by_itself(blind: Stage) -> None:
    made = blind.create()
    blind.begin(made["id"])
    blind.built(made["id"], asking(latencyP95=400), digit="b")
    blind.run(made["id"], until="Analyse")
    for _ in range(3):
        blind.run(made["id"], "Analyse", until="Analyse")

    assert blind.read(made["id"])["state"] == "rolling_out"
    assert blind.weights() == {1: 50, 2: 50}


def test_a_gateway_that_measures_latency_has_nothing_left_out(stage: Stage) -> None:
    stage.deploy(spec=asking())

    assert stage.told(stage.deploy(digit="b", spec=asking())["id"], "gates") == []
