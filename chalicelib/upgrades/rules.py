"""What a migration is, what it changes in a record, and which migrations are due. Pure.

1. A migration is a pair of total functions on one record, and says which records they concern. `up` of what is up already, and
   `down` of what is down already, change nothing: a step may be done twice.
2. It leaves keys and versions alone.
3. What it writes is read by the release before and by this one; and both read what it has not come to yet.
4. `BEFORE` runs while the older release serves and the newer one does not yet, `AFTER` once the newer one serves alone.
5. Migrations are taken back in the reverse order, first of all, before others are applied.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

Cells = Mapping[str, Mapping[str, Any]]
"""A record as DynamoDB has it: attribute → type → value."""
_KEPT = ("pk", "sk", "version")


class Phase(StrEnum):
    """When a migration runs, seen from the code that it belongs to."""

    BEFORE = "before"
    AFTER = "after"


class Direction(StrEnum):
    """Which way."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of records of the table `cygni`, named by a number and what it does; `says` is a sentence for operators."""

    name: str
    says: str
    phase: Phase
    concerns: Callable[[str, str], bool]
    up: Callable[[Cells], Cells]
    down: Callable[[Cells], Cells]

    def towards(self, direction: Direction) -> Callable[[Cells], Cells]:
        """The function for a direction."""
        return self.up if direction is Direction.UP else self.down


@dataclass(frozen=True, slots=True)
class Standing:
    """What is noted of a migration: which way it went last, whether it arrived, and which code (`by`) went."""

    name: str
    phase: Phase
    direction: Direction
    done: bool
    by: str

    @property
    def applied(self) -> bool:
        """Whether records may be as it makes them."""
        return self.direction is Direction.UP or not self.done


@dataclass(frozen=True, slots=True)
class Step:
    """One migration to take one way."""

    migration: Migration
    direction: Direction


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps in order. `strangers` were applied by newer code, and only that knows how to take them back."""

    steps: tuple[Step, ...]
    strangers: tuple[Standing, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """What is to be set and removed in a record."""

    set: Cells
    remove: tuple[str, ...]


class BrokenMigration(ValueError):
    """A migration does what none may; the message says what."""


def due(
    declared: Sequence[Migration],
    standings: Iterable[Standing],
    *,
    wanted: Iterable[str],
    phases: Iterable[Phase],
    again: Iterable[str] = (),
) -> Plan:
    """What is to be done so that of these phases' migrations exactly the wanted ones are applied."""
    known = {each.name: each for each in declared}
    stands = {each.name: each for each in standings if each.phase in set(phases)}
    names, repeated = set(wanted), set(again)
    extra = [each for name, each in sorted(stands.items(), reverse=True) if each.applied and name not in names]
    strangers = tuple(each for each in extra if each.name not in known)
    back = [Step(known[each.name], Direction.DOWN) for each in extra if each.name in known]
    there = [
        Step(each, Direction.UP)
        for each in declared
        if each.phase in set(phases) and each.name in names and (each.name in repeated or not _arrived(stands.get(each.name)))
    ]
    return Plan((*back, *there), strangers)


def _arrived(standing: Standing | None) -> bool:
    return standing is not None and standing.direction is Direction.UP and standing.done


def difference(before: Cells, after: Cells) -> Difference | None:
    """What changed; None: nothing. Raises BrokenMigration when a key or the version did."""
    changed = {name: cell for name, cell in after.items() if before.get(name) != cell}
    removed = tuple(sorted(name for name in before if name not in after))
    touched = sorted({*changed, *removed} & set(_KEPT))
    if touched:
        raise BrokenMigration(f"it changes {', '.join(touched)}, which migrations leave alone")
    return Difference(changed, removed) if changed or removed else None
