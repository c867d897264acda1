"""The live traffic of a rollout, measured where the rollout's own is."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.platform.errors import ClusterUnavailable
from chalicelib.platform.fartraffic import packed
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Put
from chalicelib.projects.service import environment_address
from tests.support.rollout import Stage
from tests.support.world import TEAM, Client, Fakes


@pytest.fixture
def rollout(fakes: Fakes) -> tuple[Stage, str]:
    """A canary with a fifth of the traffic."""
    api = Client(fakes)
    api.post("/v1/projects", {"name": "hello"})
    api.post("/v1/projects/hello/environments/prod/services", {"name": "web"})
    stage = Stage(api, fakes)
    stage.deploy()
    stage.flow(100)
    made = str(stage.create()["id"])
    stage.begin(made)
    stage.built(made, digit="b")
    stage.run(made, until="Analyse")
    return stage, made


def place(cluster: str | None) -> None:
    """As it was placed before it had services."""
    record = team_store(TEAM).fetch(*environment_address(TEAM, "hello", "prod"))
    assert record is not None
    record.cluster = cluster
    team_store(TEAM).commit([Put(record)])


def traffic(stage: Stage, deployment: str) -> Any:
    return stage.api.get(f"{stage.path}/deployments/{deployment}/traffic").json


def test_an_environment_on_the_installations_own_cluster_is_measured_there(rollout: tuple[Stage, str]) -> None:
    stage, made = rollout
    stage.flow(1000)
    stage.fakes.clock.sleep(5)

    assert traffic(stage, made)["canary"]["requests"] == 200
    assert stage.fakes.functions.calls == []


def test_an_environment_that_is_placed_is_measured_in_the_cluster_it_is_placed_on(rollout: tuple[Stage, str]) -> None:
    stage, made = rollout
    there = Fakes().metrics
    for backend, reading in stage.fakes.metrics.readings.items():
        there.readings[backend] = reading
    there.serve("web-r2", 300, errors=3)
    there.serve("web-r1", 700)
    stage.fakes.functions.answers["cygni-traffic"] = packed(there.readings)
    place("far")
    stage.fakes.clock.sleep(5)

    seen = traffic(stage, made)

    assert (seen["canary"]["requests"], seen["canary"]["errors"], seen["stable"]["requests"]) == (300, 3, 700)
    (call,) = stage.fakes.functions.calls
    assert call == ("cygni-traffic", {**_about(), "backends": ["web-r2", "web-r1"]})


def test_a_cluster_that_cannot_be_asked_gives_no_figures_and_no_error(rollout: tuple[Stage, str]) -> None:
    stage, made = rollout
    place("far")

    class Gone(dict[str, Any]):
        def __getitem__(self, name: str) -> Any:
            raise ClusterUnavailable(f"{name} has no route to host")

    stage.fakes.functions.answers = Gone()

    seen = traffic(stage, made)

    assert seen["canary"]["requests"] in (None, 0)


def _about() -> dict[str, str]:
    return {"team": TEAM, "project": "hello", "environment": "prod", "service": "web"}
