"""What is kept of a rollout's analyses, and what can be asked of it afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.platform.store import team_store
from chalicelib.projects.service import ServiceSpec
from chalicelib.rollouts.service import evidence_write, last_evidence
from tests.support.rollout import SPEC, TASKS, Stage
from tests.support.world import TEAM

LONG = ServiceSpec.model_validate(
    {
        **SPEC.model_dump(mode="json", by_alias=True),
        "rollout": {
            "steps": [{"weight": 20, "for": "5m"}],
            "interval": "5s",
            "gates": {"errorRate": 5, "latencyP95": 400, "errorRateIncrease": 1},
        },
    }
)


def under_way(stage: Stage, spec: ServiceSpec = LONG) -> str:
    """A canary beside a live release, about to be analysed."""
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], spec, digit="b")
    stage.run(made["id"], until="Analyse")
    return str(made["id"])


def analysed(stage: Stage, deployment: str, times: int) -> dict[str, Any]:
    """So many slices of a minute, and what the API then says of the newest."""
    for _ in range(times):
        TASKS["Analyse"](stage.event(deployment), stage.ports())
    return dict(stage.api.get(f"{stage.path}/deployments/{deployment}/evidence").json["items"][-1])


def test_an_analysis_that_was_stored_when_its_process_died_is_stored_again(stage: Stage) -> None:
    deployment = under_way(stage)
    analysed(stage, deployment, 1)
    evidence = last_evidence(team_store(TEAM), TEAM, deployment)
    assert evidence is not None

    team_store(TEAM).commit([evidence_write(TEAM, evidence)])

    kept = stage.api.get(f"{stage.path}/deployments/{deployment}/evidence").json["items"]
    assert [datetime.fromisoformat(each["at"]) for each in kept] == [evidence.at]


def test_an_analysis_goes_on_from_the_one_before(stage: Stage) -> None:
    deployment = under_way(stage)
    first, third = analysed(stage, deployment, 1), analysed(stage, deployment, 2)

    assert third["samples"] > 2 * first["samples"]
    served = stage.api.get(f"{stage.path}/deployments/{deployment}/traffic").json["canary"]["requests"]
    assert f"of {served} requests failed" in third["verdict"]["reason"]


def test_a_fault_too_small_for_one_slice_is_seen_over_several(stage: Stage) -> None:
    stage.rate = 100
    deployment = under_way(stage)
    stage.failing = 0.02

    assert analysed(stage, deployment, 1)["verdict"]["decision"] == "hold"
    ran = stage.run(deployment, "Analyse")
    stage.finish(deployment)

    assert ran[-1] == "RollBack"
    assert "percentage points more than stable" in stage.read(deployment)["outcome"]


def test_an_explanation_names_the_sample_and_the_gate_that_decided(stage: Stage) -> None:
    stage.deploy()
    stage.failing = 0.2
    ended = stage.deploy(digit="b")
    (step,) = stage.api.get(f"{stage.path}/deployments/{ended['id']}/explanation").json["items"]

    assert step["verdict"]["decision"] == "rollBack"
    assert step["decided_by"] == "errorRateIncrease"
    assert step["decided"] == len(step["points"]) - 1
    canary = step["points"][step["decided"]]["canary"]
    assert canary["error_low"] < canary["error_rate"] == 20.0 < canary["error_high"]
    assert canary["latency_low"] <= canary["latency_p95"]
    assert canary["latency_high"] is None, "too few requests to bound it"
    assert step["points"][-1]["stable"]["error_rate"] == 0.0
    assert [gate["name"] for gate in step["gates"]] == ["errorRate", "latencyP95", "errorRateIncrease"]


def test_each_step_is_explained_once_however_often_it_was_analysed(stage: Stage) -> None:
    deployment = under_way(stage, SPEC)
    stage.run(deployment, "Analyse")
    stage.finish(deployment)
    steps = stage.api.get(f"{stage.path}/deployments/{deployment}/explanation").json["items"]

    assert [(step["step"], step["points"][-1]["weight"]) for step in steps] == [(0, 20), (1, 50)]
    assert [step["verdict"]["decision"] for step in steps] == ["advance", "promote"]


def test_a_replay_answers_what_other_limits_and_another_alpha_would_have_done(stage: Stage) -> None:
    stage.deploy()
    stage.failing = 0.2
    ended = stage.deploy(digit="b")

    def replayed(**query: str) -> dict[str, Any]:
        return dict(stage.api.get(f"{stage.path}/deployments/{ended['id']}/replay", query=query).json)

    assert replayed()["agrees"]
    lenient = replayed(errorRate="50", errorRateIncrease="50")
    assert not lenient["agrees"]
    assert lenient["items"][-1]["replayed"]["decision"] != "rollBack"
    assert "other gates" in lenient["items"][-1]["note"]
    assert not replayed(alpha="0.0001")["agrees"]


def test_a_replay_refuses_limits_that_mean_nothing(stage: Stage) -> None:
    ended = stage.deploy()
    path = f"{stage.path}/deployments/{ended['id']}/replay"

    for query in ({"alpha": "0"}, {"errorRate": "101"}, {"latencyP95": "fast"}, {"error_rate": "5"}, {"limit": "5"}):
        refused = stage.api.get(path, query=query)
        assert refused.status == 422, (query, refused.text)
