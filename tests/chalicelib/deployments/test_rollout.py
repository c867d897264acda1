from __future__ import annotations

from tests.support.rollout import SPEC, Stage


def test_the_first_release_takes_all_traffic_as_soon_as_it_is_ready(stage: Stage) -> None:
    ended = stage.deploy()

    assert ended["state"] == "promoted"
    assert stage.weights() == {1: 100}
    assert stage.api.get(stage.path).json["live_release"] == 1


def test_a_healthy_release_is_promoted_step_by_step_and_the_old_one_is_removed(stage: Stage) -> None:
    stage.deploy()

    ended = stage.deploy(digit="b")

    assert (ended["state"], stage.weights()) == ("promoted", {2: 100})
    assert [name for kind, _, name in stage.cluster.state() if kind == "Deployment"] == ["web-r2"]
    kinds = [event["kind"] for event in stage.api.get(f"{stage.path}/deployments/{ended['id']}/timeline").json["items"]]
    assert kinds.count("shifted") == 3


def test_a_release_that_fails_requests_is_rolled_back_with_its_reason(stage: Stage) -> None:
    stage.deploy()
    stage.failing = 0.2

    ended = stage.deploy(digit="b")

    assert (ended["state"], stage.weights()) == ("rolled_back", {1: 100})
    assert "requests failed" in ended["outcome"]
    assert [name for kind, _, name in stage.cluster.state() if kind == "Deployment"] == ["web-r1"]


def test_a_slow_release_is_rolled_back_on_latency(stage: Stage) -> None:
    stage.deploy()
    stage.slow = 0.9

    ended = stage.deploy(digit="b")

    assert ended["state"] == "rolled_back"
    assert "slower than 400 ms" in ended["outcome"]


def test_a_release_without_traffic_is_not_promoted(stage: Stage) -> None:
    stage.deploy()
    stage.rate = 0
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"])

    stage.run(made["id"], until="Analyse")
    from tests.support.rollout import TASKS

    answer = TASKS["Analyse"](stage.event(made["id"]), stage.ports())

    assert answer["next"] == "Analyse"
    assert stage.read(made["id"])["rollout"]["weight"] == 20


def test_a_release_that_never_becomes_ready_is_rolled_back_at_its_deadline(stage: Stage) -> None:
    stage.deploy()
    stage.ready = False

    ended = stage.deploy(digit="b", spec=SPEC.model_copy(update={"health": SPEC.health.model_copy(update={"deadline": "30s"})}))

    assert ended["state"] == "rolled_back"
    assert "Not ready within 30 s" in ended["outcome"]
    assert stage.weights() == {1: 100}


def test_an_abort_takes_effect_within_one_sample(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"])
    stage.run(made["id"], until="Analyse")
    assert stage.api.post(f"{stage.path}/deployments/{made['id']}/abort").status == 202
    before = stage.fakes.clock()

    ran = stage.run(made["id"], "Analyse")
    stage.finish(made["id"])

    assert ran == ["Analyse", "RollBack"]
    assert stage.fakes.clock() == before
    assert stage.read(made["id"])["state"] == "rolled_back"


def test_a_paused_rollout_keeps_its_weight_and_goes_on_when_resumed(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"])
    stage.run(made["id"], until="Analyse")
    stage.api.post(f"{stage.path}/deployments/{made['id']}/pause")

    from tests.support.rollout import TASKS

    assert TASKS["Analyse"](stage.event(made["id"]), stage.ports())["next"] == "Analyse"
    assert stage.read(made["id"])["rollout"]["phase"] == "paused"
    stage.api.post(f"{stage.path}/deployments/{made['id']}/resume")
    stage.run(made["id"], "Analyse")
    stage.finish(made["id"])

    assert stage.read(made["id"])["state"] == "promoted"


def test_promoting_by_hand_skips_the_steps_that_remain(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"])
    stage.run(made["id"], until="Analyse")
    stage.api.post(f"{stage.path}/deployments/{made['id']}/promote")

    ran = stage.run(made["id"], "Analyse")

    assert ran == ["Analyse", "Promote", "Settle"]


def test_every_recorded_verdict_is_the_same_when_judged_again(stage: Stage) -> None:
    stage.deploy()
    ended = stage.deploy(digit="b")

    replayed = stage.api.get(f"{stage.path}/deployments/{ended['id']}/replay").json

    assert replayed["agrees"] is True
    assert [item["recorded"]["decision"] for item in replayed["items"]] == ["advance", "promote"]


def test_a_rollback_brings_back_image_and_config_of_the_earlier_release(stage: Stage) -> None:
    stage.api("PATCH", f"{stage.path}/config", {"set": {"MODE": "one"}})
    stage.deploy()
    stage.api("PATCH", f"{stage.path}/config", {"set": {"MODE": "two"}})
    stage.deploy(digit="b")

    made = stage.api.post(f"{stage.path}/rollback", {}).json
    stage.begin(made["id"])
    stage.run(made["id"])
    stage.finish(made["id"])

    release = stage.api.get(f"{stage.path}/releases/3").json
    assert (release["image"][-1], release["config_version"], release["live"]) == ("a", 1, True)
