"""CodeBuild's operations over ministack's records, with a builder that does what the test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from ministack.services import codebuild as real
from ministack.services import eventbridge

from chalicelib.platform.settings import Settings
from cygni.local.cloud.buildjob import Job
from cygni.local.cloud.codebuild import CodeBuild, event_of
from functions.catalog import BUILD_PROJECT, FUNCTIONS

VARIABLES = [{"name": "IMAGE", "value": "registry.localhost/shop/web", "type": "PLAINTEXT"}]
REQUEST = {"projectName": "cygni-build", "idempotencyToken": "bld_1", "environmentVariablesOverride": VARIABLES}


class Bench:
    """ministack's module, a builder that waits to be told how it ends, and what was announced."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.told: list[str] = []
        self.go = threading.Event()
        self.ends = "SUCCEEDED"
        self.builds = CodeBuild(real, self.carry_out, lambda record: self.told.append(record["buildStatus"]))

    def carry_out(self, job: Job, cancelled: threading.Event) -> str:
        self.jobs.append(job)
        while not self.go.is_set() and not cancelled.is_set():
            time.sleep(0.005)
        if self.ends == "breaks":
            raise OSError("no bucket")
        return "STOPPED" if cancelled.is_set() else self.ends

    def start(self, **changes: Any) -> dict[str, Any]:
        status, _, body = self.builds.start({**REQUEST, **changes})
        return json.loads(body)["build"] if status == 200 else json.loads(body)

    def status_of(self, build: str, wanted: str) -> str:
        """The status of a build, once it is as wanted and was told."""
        deadline = time.monotonic() + 60
        while (status := real._builds[build]["buildStatus"]) != wanted or self.told[-1:] != [wanted]:
            if time.monotonic() > deadline:
                break
            time.sleep(0.005)
        return str(status)


@pytest.fixture
def bench() -> Iterator[Bench]:
    real.reset()
    real._create_project({"name": "cygni-build"})
    bench = Bench()
    yield bench
    bench.builds.stop_all(60)
    real.reset()


def test_a_started_build_runs_and_its_end_is_recorded_and_told(bench: Bench) -> None:
    build = bench.start(timeoutInMinutesOverride=20)
    running = build["buildStatus"]
    bench.go.set()

    assert (running, bench.status_of(build["id"], "SUCCEEDED")) == ("IN_PROGRESS", "SUCCEEDED")
    assert bench.told == ["IN_PROGRESS", "SUCCEEDED"]
    assert bench.jobs == [Job(build["id"], {"IMAGE": "registry.localhost/shop/web"}, 1200)]


def test_the_same_token_twice_is_one_build(bench: Bench) -> None:
    first, second = bench.start(), bench.start()

    assert first["id"] == second["id"]
    assert bench.start(idempotencyToken="bld_2")["id"] != first["id"]


def test_a_project_that_is_not_there_is_an_error(bench: Bench) -> None:
    assert bench.start(projectName="other")["__type"] == "ResourceNotFoundException"


def test_a_build_that_is_stopped_says_so_once_its_processes_are_gone(bench: Bench) -> None:
    build = bench.start()

    bench.builds.stop({"id": build["id"]})

    assert bench.status_of(build["id"], "STOPPED") == "STOPPED"


def test_stopping_a_build_that_ended_changes_nothing(bench: Bench) -> None:
    build = bench.start()
    bench.go.set()
    bench.status_of(build["id"], "SUCCEEDED")

    status, _, _ = bench.builds.stop({"id": build["id"]})

    assert (status, bench.status_of(build["id"], "SUCCEEDED")) == (200, "SUCCEEDED")


def test_stopping_what_never_was_is_an_error(bench: Bench) -> None:
    assert bench.builds.stop({"id": "cygni-build:none"})[0] == 400


def test_a_builder_that_breaks_ends_the_build_as_failed(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.ends = "breaks"
    bench.go.set()

    assert bench.status_of(bench.start()["id"], "FAILED") == "FAILED"


def test_what_a_stop_interrupted_is_taken_up_by_the_next_start(bench: Bench) -> None:
    build = bench.start()
    bench.builds.stop_all(60)
    state = real.get_state()
    real.reset()
    real.load_persisted_state(state)

    after = Bench()
    resumed = after.builds.resume()
    after.go.set()

    assert (resumed, after.status_of(build["id"], "SUCCEEDED")) == (1, "SUCCEEDED")
    assert after.jobs[0].variables == {"IMAGE": "registry.localhost/shop/web"}


def test_a_build_that_is_interrupted_again_and_again_is_given_up(bench: Bench) -> None:
    build = bench.start()
    bench.builds.stop_all(60)

    resumed = [bench.builds.resume() for _ in range(4) if not bench.builds.stop_all(60)]

    assert resumed == [1, 1, 1, 0]
    assert bench.status_of(build["id"], "FAILED") == "FAILED"
    assert bench.told[-1] == "FAILED"


def test_the_event_is_the_one_that_aws_sends(bench: Bench) -> None:
    build = bench.start()

    entry = event_of(real._builds[build["id"]], datetime.now(UTC))
    detail = json.loads(entry["Detail"])

    assert (entry["Source"], entry["DetailType"]) == ("aws.codebuild", "CodeBuild Build State Change")
    assert detail["build-id"] == f"arn:aws:codebuild:us-east-1:000000000000:build/{build['id']}"
    assert (detail["build-status"], detail["project-name"]) == ("IN_PROGRESS", "cygni-build")
    assert detail["additional-information"]["environment"]["environment-variables"] == VARIABLES


HEARD = next(each.events for each in FUNCTIONS if each.name == "cygni-build-finished")


def heard(project: str, status: str, **changes: Any) -> bool:
    """Whether the rule takes an event of CodeBuild, in the shape that AWS documents."""
    build = f"arn:aws:codebuild:us-east-1:123456789012:build/{project}:8745a7a9-c340-456a-9166-edf953571bee"
    detail = {"build-status": status, "project-name": project, "build-id": build, "current-phase": "COMPLETED", "version": "1"}
    event = {
        "version": "0",
        "id": "c030038d-8c4d-6141-9545-00ff7b7153ec",
        "detail-type": "CodeBuild Build State Change",
        "source": "aws.codebuild",
        "account": "123456789012",
        "time": "2026-09-01T16:14:28Z",
        "region": "us-east-1",
        "resources": [build],
        "detail": {**detail, "additional-information": {"environment": {"environment-variables": VARIABLES}}},
        **changes,
    }
    asked = {"Event": json.dumps(event), "EventPattern": json.dumps(HEARD)}
    status_code, _, body = eventbridge._test_event_pattern(asked)
    assert status_code == 200, body
    return bool(json.loads(body)["Result"])


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "FAULT", "STOPPED", "TIMED_OUT"])
def test_every_end_of_a_build_of_ours_is_heard_and_none_of_another_project(status: str) -> None:
    assert heard(BUILD_PROJECT, status)
    assert not heard("somebody-elses", status)
    assert not heard(f"{BUILD_PROJECT}-2", status)


def test_what_is_no_end_of_a_build_is_not_heard() -> None:
    assert not heard(BUILD_PROJECT, "IN_PROGRESS")
    assert not heard(BUILD_PROJECT, "SUCCEEDED", **{"detail-type": "CodeBuild Build Phase Change"})
    assert not heard(BUILD_PROJECT, "SUCCEEDED", source="com.example.codebuild")


def test_the_project_that_builds_run_in_is_the_one_that_is_heard() -> None:
    assert Settings().build_project == BUILD_PROJECT
