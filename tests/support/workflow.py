"""The rollout workflow played in simulated time, from its own definition: its choices, retries, catches and ends."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

DEFINITION = Path(__file__).resolve().parents[2] / "state_machines" / "rollout.asl.json"
STATES: dict[str, dict[str, Any]] = json.loads(DEFINITION.read_text())["States"]
Tasks = Callable[[str, dict[str, Any]], dict[str, str]]
"""(state, its input) → what the function answers, or what it raises."""


@dataclass
class Execution:
    """One execution. `due` is when it does something next, `end` the state that it ended in."""

    value: dict[str, Any]
    due: datetime
    chance: random.Random
    state: str = "Prepare"
    end: str | None = None
    visited: list[str] = field(default_factory=list)
    _tries: dict[int, int] = field(default_factory=dict)

    def step(self, tasks: Tasks, clock: Callable[[], datetime]) -> None:
        """Runs the task of the present state, and follows where its answer or error leads."""
        self.visited.append(self.state)
        try:
            answer = tasks(self.state, self.value)
        except Exception as error:  # noqa: BLE001 - an error's name is all that a workflow sees
            self._fail(type(error).__name__, clock())
            return
        self.value["step"] = {"next": answer["next"]}
        self._go(STATES[self.state]["Next"], clock())

    def _fail(self, name: str, now: datetime) -> None:
        state = STATES[self.state]
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
        while STATES[name]["Type"] == "Choice":
            chosen = (each for each in STATES[name]["Choices"] if each["StringEquals"] == self.value["step"]["next"])
            name = next(chosen, {"Next": STATES[name]["Default"]})["Next"]
        self.state, self.due, self._tries = name, now, {}
        if STATES[name]["Type"] != "Task":
            self.end = name
