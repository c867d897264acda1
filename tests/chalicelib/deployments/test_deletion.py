"""Deleting a service whatever it is at: everything of it goes, and traffic is with the stable release until then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chalicelib.deployments.tasks import remove_service
from chalicelib.platform.aws import client
from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.storage import Storage
from chalicelib.projects.service import ServiceKey, ServiceSpec
from tests.support.rollout import SPEC, Stage
from tests.support.world import TEAM

DELAYED = SPEC.model_copy(update={"rollout": SPEC.rollout.model_copy(update={"scale_down_delay": "10m"})})


def delete(stage: Stage) -> int:
    return stage.api("DELETE", stage.path).status


def everything() -> set[str]:
    """All records of the table and all objects of the bucket, by their keys."""
    rows = {f"{row['pk']['S']} {row['sk']['S']}" for row in dynamodb().scan(TableName="cygni")["Items"]}
    return rows | {each["Key"] for each in client("s3").list_objects_v2(Bucket="cygni").get("Contents", [])}


@pytest.fixture(autouse=True)
def _kept(stage: Stage) -> None:
    """What was there before the service, and has to be all that is there after it."""
    KEPT.clear()
    KEPT.update(each for each in everything() if "SERVICE#" not in each)


KEPT: set[str] = set()


def nothing_is_left(stage: Stage) -> bool:
    assert everything() == KEPT
    return stage.api.get(stage.path).status == 404 and stage.cluster.state() == {}


def test_with_a_service_go_its_evidence_builds_sources_and_config(stage: Stage) -> None:
    stage.deploy()
    stage.api("PATCH", f"{stage.path}/config", {"set": {"GREETING": "hello"}})
    ended = stage.deploy(digit="b")
    build = f"{TEAM}/builds/{ended['id'].replace('dep_', 'bld_')}"
    for name in ("plan.json", "result.json", "log.txt"):
        client("s3").put_object(Bucket="cygni", Key=f"{build}/{name}", Body=b"{}")
    there = everything()
    assert {each.split()[1].partition("#")[0] for each in there if " " in each} >= {"EVIDENCE", "BUILD", "SOURCE", "VERSION"}

    delete(stage)
    stage.remove()

    assert nothing_is_left(stage)


def test_a_source_that_others_may_deploy_too_stays(stage: Stage) -> None:
    source = stage.source(own=False)
    made = stage.api.post(f"{stage.path}/deployments", {"source": source}).json
    stage.begin(made["id"])

    delete(stage)
    stage.finish(made["id"])
    stage.remove()

    left = {each for each in everything() - KEPT if "audit" not in each}
    assert left == {f"{TEAM}/sources/{source}.tar.gz", f"TEAM#{TEAM}#SOURCE#{source} SOURCE"}


def test_a_source_of_one_service_is_deployed_by_no_other(stage: Stage) -> None:
    stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "other"})

    refused = stage.api.post(f"{stage.path[:-3]}other/deployments", {"source": stage.source()})

    assert (refused.status, "another service" in refused.json["detail"]) == (409, True)


def test_a_removal_that_has_no_more_time_goes_on_when_it_is_asked_again(stage: Stage) -> None:
    for digit in "ab":
        stage.deploy(digit=digit)
    delete(stage)
    event = dict(stage.fakes.functions.calls[0][1])
    stage.fakes.functions.calls.clear()
    began, step = stage.fakes.clock(), timedelta(seconds=8)

    def hurried() -> datetime:
        nonlocal began
        began += step
        return began

    runs = 1
    while not remove_service(ServiceKey.from_dict(event), stage.cluster, Storage("cygni"), hurried):
        assert stage.api.get(stage.path).json["deleting"]
        stage.sweep()
        assert [name for name, _ in stage.fakes.functions.calls] == ["cygni-remove-service"] * runs
        runs += 1
        assert runs < 10

    assert runs > 1
    assert nothing_is_left(stage)


@pytest.mark.parametrize(
    ("first", "task"),
    [
        *((True, task) for task in ("AwaitReady", "Promote", "Settle")),
        *((False, task) for task in ("AwaitReady", "Shift", "Analyse", "Promote", "Settle")),
    ],
    ids=lambda value: value if isinstance(value, str) else ("second release", "first release")[value],
)
def test_deleted_in_mid_rollout_it_turns_back_and_then_nothing_is_left(stage: Stage, first: bool, task: str) -> None:
    if not first:
        stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], digit="b")
    stage.run(made["id"], until=task)

    assert delete(stage) == 202
    assert stage.fakes.functions.calls == []
    stage.run(made["id"], task)

    assert first or stage.weights() == {1: 100}
    stage.finish(made["id"])
    stage.remove()
    assert nothing_is_left(stage)


def test_a_deployment_that_waits_is_cancelled_and_nothing_new_is_taken(stage: Stage) -> None:
    active, waiting = stage.create(), stage.create()

    delete(stage)
    refused = stage.api.post(f"{stage.path}/deployments", {"source": stage.source()})

    assert stage.read(waiting["id"])["state"] == "cancelled"
    assert stage.read(active["id"])["requested"] == "abort"
    assert (refused.status, "being deleted" in refused.json["detail"]) == (409, True)


def test_a_service_that_rests_is_removed_at_once(stage: Stage) -> None:
    stage.deploy()

    delete(stage)
    stage.remove()

    assert nothing_is_left(stage)


def test_deleting_twice_is_deleting_once(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])

    assert (delete(stage), delete(stage)) == (202, 202)
    stage.finish(made["id"])
    stage.finish(made["id"])
    stage.remove()

    assert nothing_is_left(stage)
    assert delete(stage) == 404


def test_a_removal_that_was_lost_is_asked_for_again_by_the_sweep(stage: Stage) -> None:
    stage.deploy()
    delete(stage)
    stage.fakes.functions.calls.clear()

    stage.sweep()
    stage.remove()

    assert nothing_is_left(stage)
    stage.sweep()
    assert stage.fakes.functions.calls == []


def test_a_removal_that_comes_too_early_leaves_the_rollout_alone(stage: Stage) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], digit="b")
    stage.run(made["id"], until="Analyse")
    delete(stage)
    stage.fakes.functions.send("cygni-remove-service", {key: stage.event(made["id"])[key] for key in NAMES})

    stage.remove()

    assert stage.weights() == {1: 80, 2: 20}
    assert stage.run(made["id"], "Analyse") == ["Analyse", "RollBack"]


def test_an_old_request_for_its_removal_leaves_alone_a_service_that_was_made_anew(stage: Stage) -> None:
    stage.deploy()
    delete(stage)
    old = list(stage.fakes.functions.calls)
    stage.remove()
    stage.api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
    stage.deploy()
    stage.fakes.functions.calls.extend(old)

    stage.remove()

    assert stage.api.get(stage.path).json["live_release"] == 1
    assert stage.weights() == {1: 100}


@pytest.mark.parametrize("spec", [SPEC, DELAYED], ids=["", "delayed"])
def test_what_would_run_on_for_a_while_does_not_when_its_service_is_deleted(stage: Stage, spec: ServiceSpec) -> None:
    stage.deploy()
    made = stage.create()
    stage.begin(made["id"])
    stage.built(made["id"], spec, digit="b")
    stage.run(made["id"], until="Analyse")
    began = stage.fakes.clock()

    delete(stage)
    stage.run(made["id"], "Analyse")

    assert (stage.fakes.clock() - began).total_seconds() < 60


NAMES = ("team", "project", "environment", "service")
