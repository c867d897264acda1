"""Carrying migrations out, page by page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.platform.errors import LostRace, MigrationFailed
from chalicelib.platform.rewriting import Cells, Fence, Fenced, Key, Rewrite, every_record, one_record, rewrite
from chalicelib.platform.store import Store
from chalicelib.platform.table import TABLE, ConditionFailed, Put
from chalicelib.upgrades.migrations import MIGRATIONS
from chalicelib.upgrades.models import OWNER, PK, PREFIX, MigrationRecord
from chalicelib.upgrades.rules import BrokenMigration, Direction, Migration, Phase, Standing, Step, difference, due

PAGE = 200
"""Records that are read at a time."""
TRIES = 8
"""Times that a record is changed again which others change at the same moment."""
_STORE = Store((OWNER,))


@dataclass(frozen=True, slots=True)
class Asked:
    """Which migrations are to be applied: those of `phases` that are `wanted`, and no others. `again` goes through anew."""

    wanted: tuple[str, ...]
    phases: tuple[Phase, ...] = (Phase.BEFORE, Phase.AFTER)
    again: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """What a slice has to go by: until when, the clock, the version of the code, what is declared, and the size of a page."""

    until: datetime
    clock: Callable[[], datetime]
    by: str = ""
    declared: Sequence[Migration] = MIGRATIONS
    page: int = PAGE


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a migration is: records that were seen and changed, and where it stands (`cursor`) if it has not arrived."""

    name: str
    direction: Direction
    done: bool
    seen: int
    changed: int
    cursor: Key | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a slice did. `left` says whether more is to do; `strangers` are applied migrations that this code does not know."""

    progress: tuple[Progress, ...]
    left: bool
    strangers: tuple[Standing, ...] = ()


def standing() -> list[MigrationRecord]:
    """What is noted of all migrations that ever began."""
    return list(_STORE.every(MigrationRecord, PK, PREFIX))


def migrate(asked: Asked, run: Run) -> Told:
    """One slice: takes back what is applied and not wanted, then applies what is wanted and not applied.

    At least one page is done, however late it is. Raises MigrationFailed, which names the record that cannot be changed,
    Throttled, and LostRace when another run goes the other way.
    """
    standings = [each.standing for each in standing()]
    plan = due(run.declared, standings, wanted=asked.wanted, phases=asked.phases, again=asked.again)
    told: list[Progress] = []
    for index, step in enumerate(plan.steps):
        record = _begun(step, run, anew=step.migration.name in asked.again)
        told.append(_carried_out(step, record, run))
        if not told[-1].done or (run.clock() >= run.until and index + 1 < len(plan.steps)):
            return Told(tuple(told), True, plan.strangers)
    return Told(tuple(told), False, plan.strangers)


def rehearse(migration: Migration, direction: Direction, run: Run, *, begun: Progress | None = None) -> Progress:
    """Counts what a migration would change, from where a rehearsal that ran out of time has come to, and writes nothing."""
    at = begun or Progress(migration.name, direction, False, 0, 0)
    while True:
        records, after = every_record(TABLE, after=at.cursor, limit=run.page)
        changes = _changes(migration, direction, records)
        at = replace(at, seen=at.seen + len(records), changed=at.changed + len(changes), cursor=after, done=after is None)
        if at.done or run.clock() >= run.until:
            return at


def _begun(step: Step, run: Run, *, anew: bool) -> MigrationRecord:
    """The note of a migration that is under way in this direction; made, or turned round, if it is not."""
    for _ in range(TRIES):
        record = _STORE.fetch(MigrationRecord, PK, PREFIX + step.migration.name)
        if record is not None and record.direction == step.direction and not record.done:
            return record
        number = 1 if record is None else int(record.run) + 1
        if record is not None and record.direction == step.direction and not anew:
            return record
        record = record or MigrationRecord(PK, PREFIX + step.migration.name)
        record.phase, record.direction, record.run = step.migration.phase.value, step.direction.value, number
        record.done, record.cursor, record.seen, record.changed = False, None, 0, 0
        record.by, record.begun_at, record.ended_at = run.by, run.clock(), None
        try:
            _STORE.commit([Put(record)])
        except ConditionFailed:
            continue
        return record
    raise LostRace("Too many runs of this migration begin at the same moment.")


def _carried_out(step: Step, record: MigrationRecord, run: Run) -> Progress:
    while not record.done:
        fence = Fence(TABLE, (PK, str(record.sk)), "run", int(record.run))
        after = None if record.cursor is None else (record.cursor[0], record.cursor[1])
        records, following = every_record(TABLE, after=after, limit=run.page)
        try:
            changed = _page(step, records, fence)
            _noted(record, len(records), changed, following, run)
        except (ConditionFailed, Fenced):
            found = _STORE.fetch(MigrationRecord, PK, str(record.sk))
            if found is None or found.direction != step.direction:
                raise LostRace(f"Another run takes {step.migration.name} the other way.") from None
            record = found
        if run.clock() >= run.until:
            break
    return _progress(record)


def _page(step: Step, records: Sequence[Cells], fence: Fence) -> int:
    changes = _changes(step.migration, step.direction, records)
    lost = rewrite(TABLE, changes, fence)
    return len(changes) - len(lost) + sum(_once_more(step, each.key, fence) for each in lost)


def _once_more(step: Step, key: Key, fence: Fence) -> bool:
    """Changes a record that somebody else changed meanwhile, as it is now. False: it needs no change any more."""
    for _ in range(TRIES):
        found = one_record(TABLE, key)
        changes = _changes(step.migration, step.direction, [] if found is None else [found])
        if not changes:
            return False
        if not rewrite(TABLE, changes, fence):
            return True
    raise LostRace(f"{key[0]} {key[1]} is being changed too quickly just now.")


def _noted(record: MigrationRecord, seen: int, changed: int, following: Key | None, run: Run) -> None:
    record.seen, record.changed = int(record.seen) + seen, int(record.changed) + changed
    record.cursor, record.done = None if following is None else list(following), following is None
    record.ended_at = run.clock() if record.done else None
    _STORE.commit([Put(record)])


def _changes(migration: Migration, direction: Direction, records: Sequence[Cells]) -> list[Rewrite]:
    found = (_change(migration, direction, each) for each in records)
    return [each for each in found if each is not None]


def _change(migration: Migration, direction: Direction, record: Cells) -> Rewrite | None:
    key = (str(record["pk"]["S"]), str(record["sk"]["S"]))
    if key[0].startswith(OWNER) or not migration.concerns(*key):
        return None
    try:
        changed = difference(record, migration.towards(direction)(record))
    except (BrokenMigration, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        said = str(error) if isinstance(error, BrokenMigration) else type(error).__name__  # which may quote what is stored
        raise MigrationFailed(f"{migration.name} ({direction}) cannot change the record {key[0]} {key[1]}: {said}.") from error
    if changed is None:
        return None
    was = {name: record.get(name) for name in (*changed.set, *changed.remove)}
    version = int(record["version"]["N"]) if "version" in record else None
    return Rewrite(key, changed.set, changed.remove, was, version)


def _progress(record: MigrationRecord) -> Progress:
    after = None if record.cursor is None else (record.cursor[0], record.cursor[1])
    direction = Direction(record.direction)
    return Progress(record.name, direction, bool(record.done), int(record.seen), int(record.changed), after)
