"""Tables of plays: a row says how a play must end, and every row is played in both emulators, all of a table at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.state_machines.client import JudgeProcess
from tests.state_machines.plays import Line, Outcome, Play

EMULATORS = ("ministack", "moto")
Judges = Callable[[str], JudgeProcess]


@dataclass(frozen=True, slots=True)
class Row:
    """A play and its end. `error` is None for success; `visited` are the states in order; `calls` how often a function ran."""

    play: Play
    visited: tuple[str, ...]
    error: str | None = None
    calls: Mapping[str, int] = field(default_factory=dict)


class Table:
    """Rows by name, played once for each emulator."""

    def __init__(self, rows: Mapping[str, Row]) -> None:
        self.rows = dict(rows)
        self._outcomes: dict[str, dict[str, Outcome]] = {}

    def outcome(self, judges: Judges, emulator: str, row: str) -> Outcome:
        """How a row ended in an emulator."""
        if emulator not in self._outcomes:
            played = judges(emulator).run([each.play for each in self.rows.values()])
            self._outcomes[emulator] = dict(zip(self.rows, played, strict=True))
        return self._outcomes[emulator][row]

    def check(self, judges: Judges, emulator: str, name: str) -> None:
        """Asserts that a row ended as it says."""
        row, outcome = self.rows[name], self.outcome(judges, emulator, name)

        assert (outcome.status, outcome.error) == ("SUCCEEDED" if row.error is None else "FAILED", row.error), outcome
        assert outcome.visited == row.visited
        assert {function: outcome.called(function) for function in row.calls} == dict(row.calls)


@dataclass(frozen=True, slots=True)
class Fault:
    """A way for a function to fail. `lines` come before the good one; `passes` says that Retry gets over it.

    `away` says that AWS was away for longer than the function's clients tried: nothing tries it again but the sweep.
    """

    lines: tuple[Line, ...]
    passes: bool = False
    timeout: int | None = None
    away: bool = False

    def script(self, good: Line) -> list[Line]:
        """The function's script: failing for ever, or as often as `lines` says and then well."""
        return [*self.lines, good] if self.passes else list(self.lines)


FAULTS = {
    "is refused": Fault((Line(raises="BuildRefused"),)),
    "has a bug": Fault((Line(raises="KeyError"),)),
    "meets no store": Fault((Line(raises="Throttled"),), away=True),
    "cannot read its secret": Fault((Line(raises="SecretsUnavailable"),), away=True),
    "misses the cluster for ever": Fault((Line(raises="ClusterUnavailable"),)),
    "loses a race twice": Fault((Line(raises="ConditionFailed"), Line(raises="LostRace")), passes=True),
    "misses the cluster once": Fault((Line(raises="ClusterUnavailable"),), passes=True),
    "is stopped by Lambda once": Fault((Line(raises="Sandbox.Timedout"),), passes=True),
    "meets a fault of Lambda": Fault((Line(raises="Lambda.ServiceException"),), passes=True),
    "takes too long": Fault((Line(seconds=5),), timeout=1),
}
"""Every kind of error that a task can meet: ours of both sorts, unforeseen ones, AWS's, and time-outs."""
