from __future__ import annotations

from dataclasses import replace

import pytest

from bench.store_count import counting
from chalicelib.deployments.workflow import load
from chalicelib.platform.errors import CygniError
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from tests.support.rollout import TASKS, Stage
from tests.support.world import TEAM


def test_a_second_deployment_waits_and_begins_when_the_first_has_ended(stage: Stage) -> None:
    first, second = stage.create(), stage.create()

    service = stage.api.get(stage.path).json

    assert (service["active_deployment"], service["waiting_deployment"]) == (first["id"], second["id"])
    assert list(stage.fakes.workflows.started) == [first["id"]]
    stage.begin(first["id"])
    stage.built(first["id"])
    stage.run(first["id"])
    stage.finish(first["id"])
    assert list(stage.fakes.workflows.started) == [first["id"], second["id"]]


def test_the_latest_wins_over_one_that_still_waits(stage: Stage) -> None:
    _, second, third = stage.create(), stage.create(), stage.create()

    assert stage.read(second["id"])["state"] == "superseded"
    assert stage.api.get(stage.path).json["waiting_deployment"] == third["id"]


def test_the_same_idempotency_key_is_one_deployment(stage: Stage) -> None:
    source = stage.source()
    headers = {"idempotency-key": "k"}

    made = [stage.api.post(f"{stage.path}/deployments", {"source": source}, headers=headers) for _ in range(2)]

    assert [each.status for each in made] == [201, 201]
    assert made[0].json["id"] == made[1].json["id"]
    assert len(stage.fakes.workflows.started) == 1
    assert stage.api.get(stage.path).json["waiting_deployment"] is None


def test_a_source_that_was_not_uploaded_is_refused(stage: Stage) -> None:
    made = stage.api.post("/v1/projects/hello/sources", {"sha256": "0" * 64, "size": 3}).json

    refused = stage.api.post(f"{stage.path}/deployments", {"source": made["id"]})

    assert refused.status == 409
    assert "not uploaded" in refused.json["detail"]


def test_aborting_one_that_waits_takes_it_out_of_the_queue(stage: Stage) -> None:
    _, second = stage.create(), stage.create()

    aborted = stage.api.post(f"{stage.path}/deployments/{second['id']}/abort")

    assert aborted.json["state"] == "cancelled"
    assert stage.api.get(stage.path).json["waiting_deployment"] is None


def test_aborting_one_that_builds_stops_the_build(stage: Stage) -> None:
    made = stage.create()
    stage.begin(made["id"])
    from chalicelib.builds.service import build_id_of, start_build
    from tests.support.world import TEAM

    fakes = stage.fakes
    build = build_id_of(made["id"])
    start_build(TEAM, build, "token", builders=fakes.builders, workflows=fakes.workflows, settings=fakes.settings)  # type: ignore[arg-type]

    stage.api.post(f"{stage.path}/deployments/{made['id']}/abort")
    stage.finish(made["id"])

    assert fakes.builders.stopped == [f"cygni-build:{build}"]
    assert stage.read(made["id"])["state"] == "cancelled"
    assert stage.api.get(stage.path).json["active_deployment"] is None


def test_a_rollback_aborts_what_is_under_way_and_comes_next(stage: Stage) -> None:
    stage.deploy()
    stage.deploy(digit="b")
    active = stage.create()
    stage.begin(active["id"])
    stage.built(active["id"], digit="c")
    stage.run(active["id"], until="Analyse")

    made = stage.api.post(f"{stage.path}/rollback", {"release": 1}).json

    assert stage.read(active["id"])["requested"] == "abort"
    assert stage.api.get(stage.path).json["waiting_deployment"] == made["id"]
    assert stage.run(active["id"], "Analyse") == ["Analyse", "RollBack"]


@pytest.mark.parametrize("wish", ["promote", "pause", "resume", "abort"])
def test_an_ended_deployment_takes_no_request_and_says_why(stage: Stage, wish: str) -> None:
    ended = stage.deploy()

    refused = stage.api.post(f"{stage.path}/deployments/{ended['id']}/{wish}")

    assert refused.status == 409
    assert "has ended" in refused.json["detail"]


def test_after_an_abort_the_same_source_is_deployed_again_through_the_api(stage: Stage) -> None:
    stage.deploy()
    source = stage.source()
    made = stage.create(source=source)
    stage.begin(made["id"])
    stage.built(made["id"], digit="b")
    stage.run(made["id"], until="Analyse")
    stage.api.post(f"{stage.path}/deployments/{made['id']}/abort")
    stage.run(made["id"], "Analyse")
    stage.finish(made["id"])

    again = stage.create(source=source)
    stage.begin(again["id"])
    stage.built(again["id"], digit="b")
    stage.run(again["id"])
    stage.finish(again["id"])

    assert [stage.read(each["id"])["state"] for each in (made, again)] == ["rolled_back", "promoted"]
    assert stage.weights() == {again["release"]: 100}


def test_a_build_that_failed_ends_the_deployment_with_what_it_said(stage: Stage) -> None:
    from chalicelib.builds.models import BUILD, BuildRecord, build_pk
    from chalicelib.builds.service import build_id_of
    from chalicelib.platform.store import team_store
    from chalicelib.platform.table import Put
    from tests.support.world import TEAM

    made = stage.create()
    stage.begin(made["id"])
    record = team_store(TEAM).fetch(BuildRecord, build_pk(TEAM, build_id_of(made["id"])), BUILD)
    assert record is not None
    record.state, record.error = "failed", "No module named flask"
    team_store(TEAM).commit([Put(record)])

    stage.finish(made["id"])

    assert (stage.read(made["id"])["state"], stage.read(made["id"])["outcome"]) == ("failed", "No module named flask")


def test_the_sweep_starts_again_what_was_lost_and_only_that(stage: Stage) -> None:
    made = stage.create()
    workflows = stage.fakes.workflows

    assert stage.sweep() == 0
    workflows.statuses[made["id"]] = "FAILED"
    assert stage.sweep() == 1
    assert list(workflows.started) == [made["id"], made["id"] + "-2"]


def test_the_sweep_asks_nothing_of_a_workflow_that_runs_but_once_for_all(stage: Stage) -> None:
    stage.create()

    with counting() as counter:
        assert stage.sweep() == 0

    assert counter.calls == ["Query"]


def test_a_deployment_that_cannot_be_looked_after_holds_up_no_other(stage: Stage) -> None:
    stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "zeta"})
    broken, made = stage.create(), replace(stage, path="/v1/projects/hello/environments/prod/services/zeta").create()
    record = load(stage.event(broken["id"]))
    record.state = "of a newer version"
    team_store(TEAM).commit([Put(record)])
    workflows = stage.fakes.workflows
    workflows.statuses |= dict.fromkeys((broken["id"], made["id"]), "FAILED")

    assert stage.sweep() == 1
    assert made["id"] + "-2" in workflows.started


def test_the_sweep_starts_what_was_written_but_never_started(stage: Stage) -> None:
    made = stage.create()
    workflows = stage.fakes.workflows
    workflows.started.clear()
    workflows.statuses.clear()

    stage.sweep()

    assert list(workflows.started) == [made["id"]]


def test_a_workflow_that_begins_again_goes_on_where_the_rollout_stands(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], digit="b")
    stage.run(made["id"], until="Analyse")

    again = TASKS["Prepare"](stage.event(made["id"]), stage.ports())

    assert stage.begin(made["id"])["next"] == "Rollout"
    assert again["next"] == "Analyse"


def test_the_end_of_a_deployment_is_published_by_its_names_and_may_be_published_twice(stage: Stage) -> None:
    made = stage.deploy()
    stage.finish(made["id"])

    told = {**stage.event(made["id"]), "release": 1, "state": "promoted"}
    assert stage.fakes.bus.published == [("Deployment Ended", told)] * 2


def test_a_failed_task_turns_the_rollout_back(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], digit="b")
    stage.run(made["id"], until="Analyse")

    stage.run(made["id"], "RollBack")
    stage.finish(made["id"])

    assert (stage.read(made["id"])["state"], stage.weights()) == ("rolled_back", {1: 100})


def test_a_cluster_that_dies_in_prepare_is_an_error_the_workflow_retries(stage: Stage) -> None:
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"])
    stage.cluster.fail_after(3)

    with pytest.raises(CygniError, match="died"):
        TASKS["Prepare"](stage.event(made["id"]), stage.ports())

    assert TASKS["Prepare"](stage.event(made["id"]), stage.ports())["next"] == "AwaitReady"
