"""A handler dies between any two writes, to the table or to the cluster, and is run again: the end is the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

from chalicelib.projects.rollout_spec import BlueGreen, Pin
from chalicelib.projects.spec import CanaryStep, Scale, ServiceSpec
from tests.fakes.kube import FakeCluster
from tests.support.rollout import SPEC, TASKS, Stage
from tests.support.store import memory_store
from tests.support.world import Client, Fakes

STEP = CanaryStep.model_validate({"weight": 50, "for": "2s"})
STORE_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")


def quick(**rollout: Any) -> ServiceSpec:
    return SPEC.model_copy(update={"rollout": SPEC.rollout.model_copy(update={"steps": (STEP,), **rollout})})


def rolling(size: int, surge: int, unavailable: int) -> ServiceSpec:
    limits = {"max_surge": surge, "max_unavailable": unavailable}
    return quick(strategy="rolling", **limits).model_copy(update={"scale": Scale(min=size, max=size + 1)})


SPECS = {
    "blue and green": quick(
        strategy="blueGreen", blue_green=BlueGreen(preview_for="2s", watch_for="2s"), pin=Pin(header="X-Canary")
    ),
    "recreated": quick(strategy="recreate"),
    "delayed": quick(scale_down_delay="6s"),
    "rolling": rolling(2, 1, 0),
    "rolling and broken": rolling(3, 0, 1),
}
"""What is deployed in a scenario, where it is not a plain canary."""


class Killed(Exception):
    """The process died."""


class Reaper:
    """Counts writes and dies before the one with the number `at`, once."""

    def __init__(self, at: int | None) -> None:
        self.at, self.seen, self.armed = at, 0, False

    def __call__(self, *_: Any, **__: Any) -> None:
        if not self.armed:
            return
        if self.seen == self.at:
            self.at = None
            raise Killed
        self.seen += 1


class MortalCluster(FakeCluster):
    """A cluster whose caller may die before a write."""

    def __init__(self, reaper: Reaper) -> None:
        super().__init__()
        self.reaper = reaper

    def _count_write(self, verb: str, key: Any) -> None:
        self.reaper()
        super()._count_write(verb, key)


@contextmanager
def mortal_stage(reaper: Reaper) -> Iterator[Stage]:
    original = BaseClient._make_api_call

    def mortal(client: Any, operation: str, asked: dict[str, Any]) -> Any:
        if operation in STORE_WRITES:
            reaper()
        return original(client, operation, asked)

    with memory_store():
        fakes = Fakes()
        api = Client(fakes)
        api.post("/v1/projects", {"name": "hello"})
        api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
        BaseClient._make_api_call = mortal
        try:
            # so much traffic that a few samples are evidence enough
            yield Stage(api, fakes, MortalCluster(reaper), rate=1000, revives=True)
        finally:
            BaseClient._make_api_call = original


def outcome(scenario: str, kill_at: int | None) -> tuple[dict[str, Any], int]:
    """What is left when the second deployment of a scenario has ended, and how many writes its handlers made."""
    reaper = Reaper(kill_at)
    with mortal_stage(reaper) as stage:
        stage.deploy(spec=SPECS[scenario] if scenario.startswith("rolling") else SPEC)
        stage.failing = 0.5 if scenario.endswith("broken") else 0.0
        made = stage.create()
        stage.begin(made["id"])
        stage.built(made["id"], SPECS.get(scenario, quick()), digit="b")
        reaper.armed = True
        _drive(stage, made["id"], reaper, abort=scenario == "aborted")
        reaper.armed = False
        ended = stage.read(made["id"])
        service = stage.api.get(stage.path).json
        left = {
            "state": ended["state"],
            "phase": ended["rollout"]["phase"],
            "weights": stage.weights(),
            "live": service["live_release"],
            "active": service["active_deployment"],
            "objects": sorted(stage.cluster.state()),
            "sizes": {key: each["spec"]["replicas"] for key, each in stage.cluster.state().items() if key[0] == "Deployment"},
        }
        return left, reaper.seen


def _drive(stage: Stage, deployment: str, reaper: Reaper, *, abort: bool) -> None:
    task = "Prepare"
    for _ in range(80):
        if task == "Done":
            break
        if task == "AwaitReady":
            stage.make_ready()
        if task == "Analyse" and abort:
            reaper.armed = False
            stage.api.post(f"{stage.path}/deployments/{deployment}/abort")
            reaper.armed = True
        try:
            task = TASKS[task](stage.event(deployment), stage.ports())["next"]
        except Killed:
            continue
    for _ in range(3):
        try:
            if stage.finish(deployment)["next"] != "Unfinished":
                return
        except Killed:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["healthy", "broken", "aborted", *SPECS])
def test_a_handler_killed_before_any_write_and_run_again_leaves_the_same_end(scenario: str) -> None:
    expected, writes = outcome(scenario, None)
    assert writes > 12

    for kill_at in range(writes):
        left, _ = outcome(scenario, kill_at)
        assert left == expected, f"killed before write {kill_at} of {writes}"
