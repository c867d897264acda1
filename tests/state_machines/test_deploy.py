"""The deploy workflow with its two children: each state × each way to fail → where it ends, in both emulators."""

from __future__ import annotations

import pytest

from tests.state_machines.plays import Line, Play, definition
from tests.state_machines.tables import EMULATORS, FAULTS, Fault, Judges, Row, Table

pytestmark = pytest.mark.slow

VALUE = {"team": "t", "project": "shop", "environment": "prod", "service": "web", "deployment": "dep_1"}
MACHINES = {name: definition(name) for name in ("deploy", "build", "rollout")}
WELL = {
    "cygni-deploy-begin": [Line(returns={"next": "Build", "build": "bld_1", "request": "req_1"})],
    "cygni-build-start": [Line(token={"output": {}})],
    "cygni-rollout-prepare": [Line(returns={"next": "AwaitReady"})],
    "cygni-rollout-await-ready": [Line(returns={"next": "Done"})],
    "cygni-rollout-roll-back": [Line(returns={"next": "Done"})],
    "cygni-deploy-finish": [Line(returns={"next": "Succeeded"})],
}
FAILED = [Line(returns={"next": "Failed"})]
WHOLE = ("Begin", "BegunHow", "Build", "Rollout", "Finish", "FinishedHow")


def _play(timeouts: dict[str, int] | None = None, **script: list[Line]) -> Play:
    given = {f"cygni-{name.replace('_', '-')}": lines for name, lines in script.items()}
    return Play(MACHINES, "deploy", WELL | given, VALUE, timeouts or {})


def _begin(fault: Fault) -> Row:
    good = WELL["cygni-deploy-begin"][0]
    timeouts = {"Begin": fault.timeout} if fault.timeout else {}
    if fault.passes:
        return Row(_play(deploy_begin=fault.script(good)), (*WHOLE, "Promoted"))
    play = _play(timeouts, deploy_begin=fault.script(good), deploy_finish=FAILED)
    return Row(play, ("Begin", "Finish", "FinishedHow", "NotPromoted"), "Cygni.NotPromoted", {"cygni-rollout-prepare": 0})


def _finish(fault: Fault) -> Row:
    timeouts = {"Finish": fault.timeout} if fault.timeout else {}
    play = _play(timeouts, deploy_finish=fault.script(WELL["cygni-deploy-finish"][0]))
    if fault.passes:
        return Row(play, (*WHOLE, "Promoted"))
    return Row(play, (*WHOLE[:-1], "Unfinished"), "Cygni.Unfinished")


TABLE = Table(
    {
        "all goes well": Row(_play(), (*WHOLE, "Promoted")),
        "a rollback has its image already": Row(
            _play(deploy_begin=[Line(returns={"next": "Rollout", "build": None, "request": "req_1"})]),
            ("Begin", "BegunHow", "Rollout", "Finish", "FinishedHow", "Promoted"),
            calls={"cygni-build-plan": 0},
        ),
        "it was aborted before it began": Row(
            _play(deploy_begin=[Line(returns={"next": "Finish", "build": None, "request": "req_1"})], deploy_finish=FAILED),
            ("Begin", "BegunHow", "Finish", "FinishedHow", "NotPromoted"),
            "Cygni.NotPromoted",
            {"cygni-build-plan": 0, "cygni-rollout-prepare": 0},
        ),
        "the build fails": Row(
            _play(build_start=[Line(token={"error": "BuildFailed"})], deploy_finish=FAILED),
            ("Begin", "BegunHow", "Build", "Finish", "FinishedHow", "NotPromoted"),
            "Cygni.NotPromoted",
            {"cygni-rollout-prepare": 0},
        ),
        "the rollout is rolled back": Row(
            _play(rollout_await_ready=[Line(returns={"next": "RollBack"})], deploy_finish=FAILED),
            (*WHOLE, "NotPromoted"),
            "Cygni.NotPromoted",
            {"cygni-rollout-roll-back": 1},
        ),
        "the rollout cannot turn back": Row(
            _play(
                rollout_prepare=[Line(raises="KeyError")],
                rollout_roll_back=[Line(raises="KeyError")],
                deploy_finish=[Line(returns={"next": "Unfinished"})],
            ),
            (*WHOLE, "Unfinished"),
            "Cygni.Unfinished",
        ),
        "the build takes too long": Row(
            _play({"Build": 1}, build_plan=[Line(seconds=4)], deploy_finish=FAILED),
            ("Begin", "BegunHow", "Build", "Finish", "FinishedHow", "NotPromoted"),
            "Cygni.NotPromoted",
        ),
        **{f"beginning {name}": _begin(fault) for name, fault in FAULTS.items()},
        **{f"finishing {name}": _finish(fault) for name, fault in FAULTS.items()},
    }
)


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize("row", TABLE.rows)
def test_the_deployment_ends_where_it_should_when(row: str, emulator: str, judge: Judges) -> None:
    TABLE.check(judge, emulator, row)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_only_names_and_ids_travel_to_the_children(emulator: str, judge: Judges) -> None:
    calls = dict(TABLE.outcome(judge, emulator, "all goes well").calls)

    assert calls["cygni-build-plan"] == {"team": "t", "build": "bld_1", "request": "req_1"}
    assert calls["cygni-rollout-prepare"] == {**VALUE, "request": "req_1"}


@pytest.mark.parametrize("emulator", EMULATORS)
def test_the_children_are_run_to_their_ends(emulator: str, judge: Judges) -> None:
    children = TABLE.outcome(judge, emulator, "all goes well").children

    assert (children["build"][-1], children["rollout"][-1]) == ("Built", "Ended")
