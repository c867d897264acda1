"""What is kept of a rollout's analyses, and what can be asked of it afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

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
    without = replayed(drop="errorRate,errorRateIncrease")
    assert [gate["name"] for gate in without["items"][-1]["replayed"]["gates"]] == ["latencyP95"]
    assert without["left_out"] is False


def test_a_replay_refuses_limits_that_mean_nothing(stage: Stage) -> None:
    ended = stage.deploy()
    path = f"{stage.path}/deployments/{ended['id']}/replay"

    for query in (
        {"alpha": "0"},
        {"errorRate": "101"},
        {"latencyP95": "fast"},
        {"error_rate": "5"},
        {"limit": "5"},
        {"custom": "x"},
    ):
        refused = stage.api.get(path, query=query)
        assert refused.status == 422, (query, refused.text)


def test_a_replay_says_when_analyses_were_left_out_and_which_gate_was_not_recorded(stage: Stage) -> None:
    deployment = under_way(stage)
    analysed(stage, deployment, 1)
    evidence = last_evidence(team_store(TEAM), TEAM, deployment)
    assert evidence is not None
    later = [replace(evidence, at=evidence.at + timedelta(milliseconds=number)) for number in range(1, 101)]
    for first in (0, 50):
        team_store(TEAM).commit([evidence_write(TEAM, each) for each in later[first : first + 50]])
    path = f"{stage.path}/deployments/{deployment}/replay"

    whole = stage.api.get(path).json
    refused = stage.api.get(path, query={"custom": "queue-depth=5"})

    assert (len(whole["items"]), whole["left_out"]) == (100, True)
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "query.custom")


def explained(stage: Stage, deployment: str) -> dict[str, Any]:
    return dict(stage.api.get(f"{stage.path}/deployments/{deployment}/explanation").json)


def interrupted(stage: Stage, deployment: str, wish: str, after: int = 4) -> None:
    """Analyses, while somebody asks for something before the look after so many."""
    looks = 0

    def sleep(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == after:
            assert stage.api.post(f"{stage.path}/deployments/{deployment}/{wish}").status == 202
        stage.sleep(seconds)

    TASKS["Analyse"](stage.event(deployment), replace(stage.ports(), sleep=sleep))


@pytest.mark.parametrize(
    ("wish", "task", "said"),
    [("abort", "RollBack", "A person aborted the rollout."), ("promote", "Promote", "A person promoted the release")],
)
def test_what_led_a_person_to_end_a_rollout_is_kept_and_who_did_is_told(stage: Stage, wish: str, task: str, said: str) -> None:
    deployment = under_way(stage)

    interrupted(stage, deployment, wish)
    stage.run(deployment, task)
    stage.finish(deployment)

    whole = explained(stage, deployment)
    (step,) = whole["items"]
    assert (whole["decider"], whole["by"], whole["live"]) == ("person", "admin", False)
    assert whole["reason"].startswith(said)
    assert step["points"][-1]["canary"]["requests"] > 0
    assert step["decided"] is None


def test_a_person_who_is_early_is_told_of_though_nothing_was_seen(stage: Stage) -> None:
    deployment = under_way(stage)
    stage.api.post(f"{stage.path}/deployments/{deployment}/abort")

    stage.run(deployment, "Analyse")
    stage.finish(deployment)

    whole = explained(stage, deployment)
    assert (whole["items"], whole["decider"], whole["by"]) == ([], "person", "admin")


def test_a_step_under_way_is_explained_as_it_stands_and_nothing_is_stored(stage: Stage) -> None:
    stage.fakes.metrics.serve("web-r1", 1)
    deployment = under_way(stage)
    stage.flow(1000)
    stage.fakes.clock.sleep(5)

    whole = explained(stage, deployment)

    (step,) = whole["items"]
    assert (whole["live"], whole["decider"], step["verdict"]["decision"]) == (True, "nobody", "hold")
    assert step["points"][-1]["canary"]["requests"] == 200
    assert stage.api.get(f"{stage.path}/deployments/{deployment}/evidence").json["items"] == []


def test_a_step_under_way_goes_on_from_what_is_stored_of_it(stage: Stage) -> None:
    deployment = under_way(stage)
    analysed(stage, deployment, 1)
    stored = stage.api.get(f"{stage.path}/deployments/{deployment}/evidence").json["items"][-1]["samples"]
    stage.sleep(5)

    (step,) = explained(stage, deployment)["items"]

    assert len(step["points"]) == stored + 1


def test_where_nobody_judged_the_reason_is_told(stage: Stage) -> None:
    first = stage.deploy()
    assert explained(stage, first["id"])["reason"].startswith("It was the service's first release")

    without = ServiceSpec.model_validate({"rollout": {"steps": []}})
    second = stage.deploy(digit="b", spec=without)
    assert "Its strategy has no steps" in explained(stage, second["id"])["reason"]

    stage.ready = False
    third = stage.create()
    stage.begin(third["id"])
    assert explained(stage, third["id"])["reason"] == "The deployment is still building: its rollout has not begun."
    stage.built(third["id"], SPEC, digit="c")
    stage.run(third["id"])
    stage.finish(third["id"])
    whole = explained(stage, third["id"])
    assert (whole["decider"], whole["by"]) == ("other", None)
    assert "Not ready within 120 s." in whole["reason"]


def test_the_judge_is_named_where_its_verdict_ended_the_rollout(stage: Stage) -> None:
    stage.deploy()
    stage.failing = 0.2
    ended = stage.deploy(digit="b")

    whole = explained(stage, ended["id"])

    assert (whole["decider"], whole["by"], whole["reason"]) == ("judge", None, ended["outcome"])
    assert whole["end"]["weight"] == 0
    assert whole["end"]["at"] >= whole["items"][-1]["at"]


def test_who_aborted_a_deployment_before_its_rollout_is_told(stage: Stage) -> None:
    builds, waits = stage.create(), stage.create()
    stage.begin(builds["id"])
    for each in (builds, waits):
        stage.api.post(f"{stage.path}/deployments/{each['id']}/abort")
    stage.finish(builds["id"])

    told = [explained(stage, each["id"]) for each in (builds, waits)]

    assert [(whole["decider"], whole["by"]) for whole in told] == [("person", "admin")] * 2
    assert [whole["reason"].partition(" ")[0] for whole in told] == ["Aborted"] * 2


def test_a_step_that_waits_for_approval_is_said_to_wait(stage: Stage) -> None:
    rollout = {"steps": [{"weight": 20, "for": "5s", "approval": True}], "interval": "1s"}
    deployment = under_way(stage, ServiceSpec.model_validate({"rollout": rollout}))
    analysed(stage, deployment, 1)

    whole = explained(stage, deployment)

    assert whole["decider"] == "nobody"
    assert whole["reason"].endswith("Step 1 waits until a person lets the rollout on.")
    assert whole["items"][-1]["verdict"]["decision"] == "promote"
