"""Ways to take over that are no plain canary: approval of steps, blue and green, recreation, pins, and delays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.projects.service import ServiceSpec
from tests.support.rollout import SPEC, TASKS, Stage


def spec(**rollout: Any) -> ServiceSpec:
    plain = SPEC.model_dump(mode="json", by_alias=True)
    return ServiceSpec.model_validate({**plain, "rollout": {**plain["rollout"], **rollout}})


def second(stage: Stage, chosen: ServiceSpec) -> str:
    """A deployment beside a live release, about to be prepared."""
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], chosen, digit="b")
    return str(made["id"])


def ask(stage: Stage, deployment: str, what: str) -> None:
    assert stage.api.post(f"{stage.path}/deployments/{deployment}/{what}").status == 202


def told(stage: Stage, deployment: str) -> list[str]:
    return [event["message"] for event in stage.api.get(f"{stage.path}/deployments/{deployment}/timeline").json["items"]]


def running(stage: Stage) -> set[str]:
    return {name for kind, _, name in stage.cluster.state() if kind == "Deployment"}


def rules(stage: Stage) -> list[Any]:
    found: list[Any] = next(each["spec"]["rules"] for key, each in stage.cluster.state().items() if key[0] == "HTTPRoute")
    return found


def test_a_step_that_needs_approval_waits_for_a_person_and_stays_on_watch(stage: Stage) -> None:
    steps = [{"weight": 20, "for": "10s", "approval": True}, {"weight": 50, "for": "10s"}]
    deployment = second(stage, spec(steps=steps))
    stage.run(deployment, until="Analyse")
    for _ in range(3):
        assert TASKS["Analyse"](stage.event(deployment), stage.ports())["next"] == "Analyse"
    held = stage.read(deployment)["rollout"]

    ask(stage, deployment, "resume")
    stage.run(deployment, "Analyse")
    stage.finish(deployment)

    assert (held["phase"], held["weight"]) == ("paused", 20)
    assert len([each for each in told(stage, deployment) if "`cygni resume`" in each]) == 1
    assert stage.read(deployment)["state"] == "promoted"


def test_a_canary_that_breaks_while_it_waits_for_approval_is_rolled_back(stage: Stage) -> None:
    deployment = second(stage, spec(steps=[{"weight": 20, "for": "10s", "approval": True}]))
    stage.run(deployment, until="Analyse")
    TASKS["Analyse"](stage.event(deployment), stage.ports())
    assert stage.read(deployment)["rollout"]["phase"] == "paused"
    stage.failing = 0.5

    stage.run(deployment, "Analyse")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"


def test_blue_and_green_switch_at_once_and_both_run_until_the_verdict(stage: Stage) -> None:
    deployment = second(stage, spec(strategy="blueGreen", steps=[], pin={"header": "X-Canary"}))
    stage.run(deployment, until="Analyse")
    preview, pinned = stage.weights(), rules(stage)

    stage.run(deployment, "Analyse", until="Promote")
    switched, beside = stage.weights(), running(stage)
    stage.run(deployment, "Promote")
    stage.finish(deployment)

    assert preview == {1: 100, 2: 0}
    assert pinned[0]["matches"] == [{"headers": [{"name": "X-Canary", "type": "Exact", "value": "always"}]}]
    assert [each["name"] for each in pinned[0]["backendRefs"]] == ["web-r2"]
    assert switched == {1: 0, 2: 100}
    assert beside == {"web-r1", "web-r2"}
    assert running(stage) == {"web-r2"}
    assert stage.read(deployment)["state"] == "promoted"


def test_a_green_release_that_breaks_gives_all_traffic_back_to_the_blue_one(stage: Stage) -> None:
    deployment = second(stage, spec(strategy="blueGreen", steps=[]))
    stage.run(deployment, until="Analyse")
    stage.run(deployment, "Analyse", until="Shift")
    stage.broken_at_all = 0.5

    stage.run(deployment, "Shift")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert stage.weights() == {1: 100}
    assert running(stage) == {"web-r1"}


def test_nothing_is_promoted_that_nobody_used(stage: Stage) -> None:
    deployment = second(stage, spec(strategy="blueGreen", steps=[]))
    stage.run(deployment, until="Analyse")
    stage.rate = 0
    stage.run(deployment, "Analyse", until="Shift")
    stage.run(deployment, "Shift", until="Analyse")

    assert TASKS["Analyse"](stage.event(deployment), stage.ports())["next"] == "Analyse"


def test_what_is_recreated_never_runs_beside_what_was_live(stage: Stage) -> None:
    deployment = second(stage, spec(strategy="recreate", steps=[]))
    stage.run(deployment, until="AwaitReady")
    while_starting = running(stage)

    stage.run(deployment, "AwaitReady")
    stage.finish(deployment)

    assert while_starting == {"web-r2"}
    assert stage.read(deployment)["state"] == "promoted"
    assert stage.weights() == {2: 100}


def test_a_recreated_release_says_that_it_is_not_judged(stage: Stage) -> None:
    deployment = second(stage, spec(strategy="recreate", steps=[]))
    stage.run(deployment)
    stage.finish(deployment)

    said = "What is recreated is not judged: nothing runs beside it. It takes all requests when it is ready."
    assert told(stage, deployment).count(said) == 1
    assert "nothing judges" in stage.api.get(f"{stage.path}/deployments/{deployment}/explanation").json["reason"]


def test_a_recreated_release_that_does_not_start_brings_back_what_was_live(stage: Stage) -> None:
    deployment = second(stage, spec(strategy="recreate", steps=[]))
    stage.run(deployment, until="AwaitReady")
    ask(stage, deployment, "abort")
    stage.revives = True

    stage.run(deployment, "AwaitReady")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert running(stage) == {"web-r1"}
    assert stage.weights() == {1: 100}


def test_what_comes_back_gets_the_traffic_in_full_or_after_a_while_with_those_instances_that_are_there(stage: Stage) -> None:
    three = {**SPEC.model_dump(mode="json", by_alias=True), "scale": {"min": 3, "max": 3}}
    stage.deploy(spec=ServiceSpec.model_validate(three))
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], ServiceSpec.model_validate({**three, "rollout": {"strategy": "recreate", "steps": []}}), digit="b")
    stage.run(made["id"], until="AwaitReady")
    ask(stage, made["id"], "abort")
    TASKS["AwaitReady"](stage.event(made["id"]), stage.ports())
    ports = stage.ports()
    namespace = next(key[1] for key in stage.cluster.state() if key[0] == "HTTPRoute")

    def one_comes_back(seconds: float) -> None:
        stage.fakes.clock.sleep(seconds)
        labels = stage.cluster.objects["Deployment", namespace, "web-r1"]["spec"]["template"]["metadata"]["labels"]
        stage.cluster.add_pod(namespace, "web-r1-0", labels)

    began = stage.fakes.clock()
    TASKS["RollBack"](stage.event(made["id"]), replace(ports, sleep=one_comes_back))

    assert stage.weights() == {1: 100}
    assert 20 <= (stage.fakes.clock() - began).total_seconds() <= 25


def test_after_an_abort_all_traffic_is_back_at_once_and_the_canary_ends_after_the_delay(stage: Stage) -> None:
    deployment = second(stage, spec(scaleDownDelay="5m"))
    stage.run(deployment, until="Analyse")
    ask(stage, deployment, "abort")

    assert TASKS["Analyse"](stage.event(deployment), stage.ports())["next"] == "RollBack"
    assert TASKS["RollBack"](stage.event(deployment), stage.ports())["next"] == "RollBack"
    weights, beside, began = stage.weights(), running(stage), stage.fakes.clock()
    stage.run(deployment, "RollBack")
    stage.finish(deployment)

    assert (weights, beside) == ({1: 100}, {"web-r1", "web-r2"})
    assert 240 <= (stage.fakes.clock() - began).total_seconds() <= 320
    assert running(stage) == {"web-r1"}
    assert stage.read(deployment)["state"] == "rolled_back"


def test_an_abort_while_the_old_release_lingers_goes_back_to_it_at_once(stage: Stage) -> None:
    deployment = second(stage, spec(scaleDownDelay="5m"))
    stage.run(deployment, until="Settle")
    assert TASKS["Settle"](stage.event(deployment), stage.ports())["next"] == "Settle"
    assert running(stage) == {"web-r1", "web-r2"}
    ask(stage, deployment, "abort")

    stage.run(deployment, "Settle")
    stage.finish(deployment)

    assert stage.read(deployment)["state"] == "rolled_back"
    assert stage.weights() == {1: 100}


def test_requests_with_the_cookie_or_the_header_go_to_the_canary_until_the_end(stage: Stage) -> None:
    deployment = second(stage, spec(pin={"header": "X-Canary", "cookie": "canary", "value": "yes"}))
    stage.run(deployment, until="Analyse")
    during = rules(stage)

    stage.run(deployment, "Analyse")

    assert [match["headers"][0]["name"] for match in during[0]["matches"]] == ["X-Canary", "Cookie"]
    assert during[1]["backendRefs"][1] == {"name": "web-r2", "port": 80, "weight": 20}
    assert len(rules(stage)) == 1
    assert stage.weights() == {2: 100}
