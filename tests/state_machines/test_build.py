"""The build workflow: each state × each way to fail → where it ends, in both emulators."""

from __future__ import annotations

import pytest

from tests.state_machines.plays import Line, Play, definition
from tests.state_machines.tables import EMULATORS, FAULTS, Fault, Judges, Row, Table

pytestmark = pytest.mark.slow

VALUE = {"team": "team_1", "build": "bld_1"}
PLANNED = Line(returns={"build": "bld_1"})
BUILT = Line(token={"output": {"team": "team_1", "build": "bld_1"}})


def _play(plan: list[Line], start: list[Line], timeouts: dict[str, int] | None = None) -> Play:
    script = {"cygni-build-plan": plan, "cygni-build-start": start}
    return Play({"build": definition("build")}, "build", script, VALUE, timeouts or {})


def _plan(fault: Fault) -> Row:
    play = _play(fault.script(PLANNED), [BUILT], {"Plan": fault.timeout} if fault.timeout else {})
    return Row(play, ("Plan", "Build", "Built")) if fault.passes else Row(play, ("Plan", "NotBuilt"), "Cygni.NotBuilt")


def _start(fault: Fault) -> Row:
    play = _play([PLANNED], fault.script(BUILT), {"Build": fault.timeout} if fault.timeout else {})
    good, bad = ("Plan", "Build", "Built"), ("Plan", "Build", "NotBuilt")
    return Row(play, good) if fault.passes else Row(play, bad, "Cygni.NotBuilt")


TABLE = Table(
    {
        "all goes well": Row(_play([PLANNED], [BUILT]), ("Plan", "Build", "Built")),
        "the build fails": Row(
            _play([PLANNED], [Line(token={"error": "BuildFailed", "cause": "exit 1"})]),
            ("Plan", "Build", "NotBuilt"),
            "Cygni.NotBuilt",
            {"cygni-build-start": 1},
        ),
        "nobody answers the token": Row(
            _play([PLANNED], [Line(returns={})], {"Build": 1}), ("Plan", "Build", "NotBuilt"), "Cygni.NotBuilt"
        ),
        "no builder is free for a long time": Row(
            _play([PLANNED], [*[Line(raises="BuildersBusy")] * 8, BUILT]),
            ("Plan", "Build", "Built"),
            calls={"cygni-build-start": 9},
        ),
        **{f"planning {name}": _plan(fault) for name, fault in FAULTS.items()},
        **{f"starting {name}": _start(fault) for name, fault in FAULTS.items()},
    }
)


@pytest.mark.parametrize("emulator", EMULATORS)
@pytest.mark.parametrize("row", TABLE.rows)
def test_the_build_ends_where_it_should_when(row: str, emulator: str, judge: Judges) -> None:
    TABLE.check(judge, emulator, row)


@pytest.mark.parametrize("emulator", EMULATORS)
def test_the_function_that_starts_the_build_gets_ids_and_a_token_only(emulator: str, judge: Judges) -> None:
    event = dict(TABLE.outcome(judge, emulator, "all goes well").calls)["cygni-build-start"]

    assert set(event) == {"team", "build", "token"}
