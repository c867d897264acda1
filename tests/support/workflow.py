"""A workflow played in simulated time, from its own definition: its choices, retries, catches and ends."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

DEFINITIONS = Path(__file__).resolve().parents[2] / "state_machines"
Tasks = Callable[[str, dict[str, Any]], dict[str, str]]
"""(state, its input) → what the function answers, or what it raises."""


@dataclass
class Execution:
    """One execution. `due` is when it does something next, `end` the state that it ended in."""

    value: dict[str, Any]
    due: datetime
    chance: random.Random
    machine: str = "rollout"
    state: str = ""
    end: str | None = None
    visited: list[str] = field(default_factory=list)
    _tries: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.states, start = _definition(self.machine)
        self.state = self.state or start

    @property
    def failed(self) -> bool:
        """Whether it ended badly."""
        return self.end is not None and self.states[self.end]["Type"] == "Fail"

    def step(self, tasks: Tasks, clock: Callable[[], datetime]) -> None:
        """Runs the task of the present state, and follows where its answer or error leads."""
        self.visited.append(self.state)
        try:
            answer = tasks(self.state, self.value)
        except Exception as error:  # noqa: BLE001 - an error's name is all that a workflow sees
            self._fail(type(error).__name__, clock())
            return
        if self.states[self.state].get("ResultPath"):
            self.value[self.states[self.state]["ResultPath"].removeprefix("$.")] = answer
        self._go(self.states[self.state]["Next"], clock())

    def _fail(self, name: str, now: datetime) -> None:
        state = self.states[self.state]
        for index, retrier in enumerate(state["Retry"]):
            if name in retrier["ErrorEquals"]:
                tried = self._tries.get(index, 0)
                if tried >= retrier["MaxAttempts"]:
                    break
                self._tries[index] = tried + 1
                longest = min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** tried, retrier["MaxDelaySeconds"])
                self.due = now + timedelta(seconds=self.chance.uniform(0, longest))
                return
        catcher = next(each for each in state["Catch"] if {name, "States.ALL"} & set(each["ErrorEquals"]))
        self.value["error"] = {"Error": name}
        self._go(catcher["Next"], now)

    def _go(self, name: str, now: datetime) -> None:
        """To the next task or end, through the choices between."""
        while self.states[name]["Type"] == "Choice":
            chosen = (each for each in self.states[name]["Choices"] if each["StringEquals"] == self._at(each["Variable"]))
            name = next(chosen, {"Next": self.states[name]["Default"]})["Next"]
        self.state, self.due, self._tries = name, now, {}
        if self.states[name]["Type"] != "Task":
            self.end = name

    def _at(self, path: str) -> Any:
        found: Any = self.value
        for part in path.removeprefix("$.").split("."):
            found = found[part]
        return found


@cache
def _definition(machine: str) -> tuple[dict[str, dict[str, Any]], str]:
    made = json.loads((DEFINITIONS / f"{machine}.asl.json").read_text())
    return made["States"], made["StartAt"]
