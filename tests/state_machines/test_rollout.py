"""The rollout workflow: each state × each way to fail → where it ends, in both emulators."""

from __future__ import annotations

import json

import pytest

from chalicelib.rollouts.transitions import Phase, next_task
from tests.state_machines.plays import Line, Play, definition
from tests.state_machines.tables import EMULATORS, FAULTS, Fault, Judges, Row, Table

pytestmark = pytest.mark.slow

VALUE = {"team": "t", "project": "shop", "environment": "prod", "service": "web", "deployment": "dep_1"}
STATES = {
    "Prepare": "cygni-rollout-prepare",
    "AwaitReady": "cygni-rollout-await-ready",
    "Shift": "cygni-rollout-shift",
    "Analyse": "cygni-rollout-analyse",
    "Promote": "cygni-rollout-promote",
    "Settle": "cygni-rollout-settle",
    "RollBack": "cygni-rollout-roll-back",
}
FOLLOWS = dict(zip(STATES, [*list(STATES)[1:-1], "Done", "Done"], strict=True))
"""What each task answers when nothing happens: the next of the list, and the end after Settle and RollBack."""


AT_ONCE = {"Prepare": "AwaitReady", "Shift": "Analyse", "Promote": "Settle"}
"""Tasks that another follows without a choice between: where the phase is not its own, that does nothing."""


def _next(state: str) -> Line:
    return Line(returns={"next": state})


def _play(script: dict[str, list[Line]], timeouts: dict[str, int] | None = None) -> Play:
    good = {function: [_next(FOLLOWS[state])] for state, function in STATES.items()}
    given = {STATES[state]: lines for state, lines in script.items()}
    return Play({"rollout": definition("rollout")}, "rollout", good | given, VALUE, timeouts or {})


def _path(*states: str) -> tuple[str, ...]:
    """The tasks with the choice after each that has one."""
    path: list[str] = []
    for state in states:
        path += [state] if state in AT_ONCE else [state, "TurnedBack" if state == "RollBack" else "Choose"]
    return tuple(path)


FORWARD = tuple(STATES)[:-1]
PROMOTED = (*_path(*FORWARD), "Ended")
TURNED = (*_path("RollBack"), "RolledBack")


def _failing(state: str, fault: Fault) -> Row:
    play = _play({state: fault.script(_next(FOLLOWS[state]))}, {state: fault.timeout} if fault.timeout else {})
    if fault.passes:
        return Row(play, PROMOTED, calls={"cygni-rollout-roll-back": 0})
    before = FORWARD[: FORWARD.index(state)]
    if fault.away:
        calls = {STATES[state]: 1, "cygni-rollout-roll-back": 0}
        return Row(play, (*_path(*before), state, "Interrupted"), "Cygni.Interrupted", calls)
    return Row(play, (*_path(*before), state, *TURNED), "Cygni.RolledBack", {"cygni-rollout-roll-back": 1})


def _failing_turn(fault: Fault) -> Row:
    script = {"Analyse": [_next("RollBack")], "RollBack": fault.script(_next("Done"))}
    before = _path("Prepare", "AwaitReady", "Shift", "Analyse")
    if fault.passes:
        return Row(_play(script), (*before, *TURNED), "Cygni.RolledBack")
    return Row(_play(script), (*before, "RollBack", "NotTurnedBack"), "Cygni.NotTurnedBack")


def _ordered(script: dict[str, list[Line]], *states: str, error: str | None = None) -> Row:
    end = TURNED if error else ("Ended",)
    return Row(_play(script), (*_path(*states), *end), error)


def _both(state: str) -> dict[str, list[Line]]:
    """What Prepare and AwaitReady say in a rollout whose phase is further on."""
    return {"Prepare": [_next(state)], "AwaitReady": [_next(state)]}


AWAY = Fault((Line(raises="ClusterDown"),) * 8, passes=True)
"""More often than anything else is tried again: as long as a cluster is away, rollouts there stand still."""
LOOP = [_next("Analyse"), _next("Shift"), _next("Promote")]
TABLE = Table(
    {
        "all goes well": Row(_play({}), PROMOTED),
        "it holds, advances and promotes": _ordered(
            {"AwaitReady": [_next("AwaitReady"), _next("Shift")], "Analyse": LOOP},
            *("Prepare", "AwaitReady", "AwaitReady", "Shift", "Analyse", "Analyse", "Shift", "Analyse", "Promote", "Settle"),
        ),
        "the verdict is to roll back": _ordered(
            {"Analyse": [_next("RollBack")]}, "Prepare", "AwaitReady", "Shift", "Analyse", error="Cygni.RolledBack"
        ),
        "it never becomes ready": _ordered(
            {"AwaitReady": [_next("RollBack")]}, "Prepare", "AwaitReady", error="Cygni.RolledBack"
        ),
        "rolling back takes two slices": Row(
            _play({**_both("RollBack"), "RollBack": [_next("RollBack"), _next("Done")]}),
            (*_path("Prepare", "AwaitReady", "RollBack", "RollBack"), "RolledBack"),
            "Cygni.RolledBack",
        ),
        "a lost workflow goes on at the analysis": _ordered(
            _both("Analyse"), "Prepare", "AwaitReady", "Analyse", "Promote", "Settle"
        ),
        "a lost workflow goes on at the end": _ordered(_both("Done"), "Prepare", "AwaitReady"),
        **{f"{state} {name}": _failing(state, fault) for state in FORWARD for name, fault in FAULTS.items()},
        **{f"{state} waits for a cluster that is away": _failing(state, AWAY) for state in FORWARD},
        **{f"RollBack {name}": _failing_turn(fault) for name, fault in FAULTS.items() if fault.timeout is None},
    }
)


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize("row", TABLE.rows)
def test_the_rollout_ends_where_it_should_when(row: str, emulator: str, judge: Judges) -> None:
    TABLE.check(judge, emulator, row)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_rolling_back_is_told_which_error_led_there(emulator: str, judge: Judges) -> None:
    event = dict(TABLE.outcome(judge, emulator, "Shift is refused").calls)["cygni-rollout-roll-back"]

    assert event["error"]["Error"] == "BuildRefused"
    assert VALUE.items() <= event.items()


def test_the_choice_knows_every_task_that_the_table_of_phases_names() -> None:
    choices = {each["StringEquals"] for each in json.loads(definition("rollout"))["States"]["Choose"]["Choices"]}

    assert choices == {next_task(phase) for phase in Phase}


def test_what_follows_without_a_choice_is_what_is_next_in_the_table_of_phases() -> None:
    states = json.loads(definition("rollout"))["States"]

    assert {name: states[name]["Next"] for name in FORWARD if states[name]["Next"] != "Choose"} == AT_ONCE
