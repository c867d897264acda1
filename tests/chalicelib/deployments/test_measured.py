"""What is counted of a deployment on its way, read from what its tasks print."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.platform.settings import settings
from tests.support.rollout import Stage


@pytest.fixture(autouse=True)
def namespace(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("CYGNI_METRICS_NAMESPACE", "Cygni")
    settings.cache_clear()
    yield
    settings.cache_clear()


def counted(capsys: pytest.CaptureFixture[str], name: str) -> list[Any]:
    """The values of a metric that were printed, each with that of its dimension where it has one."""
    found = []
    for printed in capsys.readouterr().out.splitlines():
        told = json.loads(printed)
        for directive in told.get("_aws", {}).get("CloudWatchMetrics", ()):
            if name in {each["Name"] for each in directive["Metrics"]}:
                (value,) = told[name]
                (dimensions,) = directive["Dimensions"]
                found.append((told[dimensions[0]], value) if dimensions else value)
    return found


def test_a_promoted_deployment_is_counted_once_however_often_it_is_finished(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    made = stage.deploy()
    stage.finish(made["id"])

    assert counted(capsys, "Deployments") == [("promoted", 1.0)]


def test_a_deployment_that_is_turned_back_is_counted_as_such_with_the_verdict(
    stage: Stage, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.deploy()
    capsys.readouterr()
    stage.failing = 0.9

    assert stage.deploy(digit="b")["state"] == "rolled_back"

    out = capsys.readouterr().out
    assert '"Outcome":"rolled_back","Deployments":[1.0]' in out
    assert out.count('"Decision":"rollBack","Verdicts":[1.0]') == 1
    assert "TimeToLive" not in out


def test_the_time_to_a_verdict_begins_with_the_first_traffic(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.deploy()
    made = stage.deploy(digit="b")
    timeline = stage.api.get(f"{stage.path}/deployments/{made['id']}/timeline").json["items"]
    at = {event["kind"]: event["at"] for event in reversed(timeline)}

    (seconds,) = counted(capsys, "TimeToVerdict")
    last = max(event["at"] for event in timeline if event["kind"] == "verdict")
    assert at["shifted"] < last
    assert seconds == pytest.approx(_seconds(last) - _seconds(at["shifted"]), abs=0.01)


def test_the_time_to_live_is_that_from_the_request_to_the_end(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    made = stage.deploy()

    (seconds,) = counted(capsys, "TimeToLive")
    assert seconds == pytest.approx(_seconds(made["ended_at"]) - _seconds(made["created_at"]), abs=0.01)


def test_a_sweep_tells_how_many_are_under_way_and_how_many_wait(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.create()
    stage.create()
    stage.sweep()

    out = capsys.readouterr().out
    assert '"DeploymentsUnderWay":[1.0],"DeploymentsWaiting":[1.0],"WorkflowsRestarted":[0.0]' in out


def test_a_sweep_that_finds_nothing_under_way_tells_nothing(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.deploy()
    capsys.readouterr()

    stage.sweep()

    assert capsys.readouterr().out == ""


def _seconds(moment: str) -> float:
    from chalicelib.platform.clock import parse_iso

    return parse_iso(moment).timestamp()
