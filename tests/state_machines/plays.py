"""What a judge is asked and what it answers: plain data, so that it crosses to the process of an emulator.

A play is one execution: the machines, the one to start, its input, and a script that says what each function does at each
call. The last line of a function's script repeats.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

DEFINITIONS = Path(__file__).resolve().parents[2] / "state_machines"
_PLACEHOLDER = re.compile(r"\$\{([a-z0-9:-]+)\}")


@dataclass(frozen=True, slots=True)
class Line:
    """One answer of one function.

    `raises` is an error's class name and wins over `returns`. `seconds` is how long it takes. `token` answers the task token
    found in the event under the key `token`: {"output": …} succeeds it, {"error": …, "cause": …} fails it.
    """

    returns: Any = None
    raises: str = ""
    seconds: float = 0.0
    token: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Play:
    """One execution to run. `timeouts` replaces the TimeoutSeconds of the named states, so that a test need not wait."""

    machines: Mapping[str, str]
    start: str
    script: Mapping[str, Sequence[Line]]
    value: Mapping[str, Any] = field(default_factory=dict)
    timeouts: Mapping[str, int] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The play as JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended. `visited` are its states in order, `calls` the functions called with the events they got.

    `children` are the outcomes of the executions it started, by machine.
    """

    status: str
    error: str | None
    output: Any
    visited: tuple[str, ...]
    calls: tuple[tuple[str, Any], ...]
    children: Mapping[str, tuple[str, ...]]

    @property
    def last(self) -> str:
        """The state it ended in."""
        return self.visited[-1] if self.visited else ""

    def called(self, function: str) -> int:
        """How often a function was called."""
        return sum(name == function for name, _ in self.calls)


def definition(name: str) -> str:
    """The text of one of the repository's own state machines."""
    return (DEFINITIONS / f"{name}.asl.json").read_text()


def placeholders(text: str) -> set[str]:
    """What a definition refers to: functions by name, state machines as `machine:<name>`."""
    return set(_PLACEHOLDER.findall(text))


def substitute(text: str, values: Mapping[str, str]) -> str:
    """The definition with each placeholder replaced; one without a value raises KeyError."""
    return _PLACEHOLDER.sub(lambda found: values[found.group(1)], text)
