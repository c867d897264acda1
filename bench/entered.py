"""How many states an execution enters, which is what Step Functions bills: counted by walking through the definition."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[1] / "state_machines"
MOST = 1000
"""States after which a walk is taken for one that never ends."""


def enter(machine: str, run: Callable[[str], Mapping[str, str]]) -> int:
    """Runs the tasks of a state machine, which answer what its choices ask for; the states that were entered, the end too.

    Raises SystemExit for an execution that fails, or does not end.
    """
    states, name = _definition(machine)
    value: dict[str, Any] = {}
    for entered in range(1, MOST):
        state = states[name]
        match state["Type"]:
            case "Task":
                answer = run(name)
                if state["ResultPath"] is not None:
                    value[state["ResultPath"].removeprefix("$.")] = dict(answer)
                name = state["Next"]
            case "Choice":
                name = _chosen(state, value)
            case "Succeed":
                return entered
            case kind:
                raise SystemExit(f"{machine} ended in {name}, a {kind}")
    raise SystemExit(f"{machine} entered {MOST} states and did not end")


def _chosen(state: Mapping[str, Any], value: Mapping[str, Any]) -> str:
    for each in state["Choices"]:
        found: Any = value
        for part in str(each["Variable"]).removeprefix("$.").split("."):
            found = found[part]
        if found == each["StringEquals"]:
            return str(each["Next"])
    return str(state["Default"])


@cache
def _definition(machine: str) -> tuple[dict[str, Any], str]:
    found = json.loads((FOLDER / f"{machine}.asl.json").read_text())
    return found["States"], found["StartAt"]
