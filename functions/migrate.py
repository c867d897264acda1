"""Records that older releases wrote are changed: when Cygni itself is deployed, and when its operator says so.

Trigger: CloudFormation (a custom resource with `Phase` and `Migrations`), an operator, or this function, which sends itself
what it had no time for. An operator's event (`{}` applies all that is declared) may have:

    phase         "before" or "after"; absent: both
    migrations    names of those that are to be applied, and no others: what else is applied is taken back
    again         names of those to go through once more
    dry_run       true: counts what would be changed, and writes nothing; `cursor` goes on where such an answer ended
    status        true: answers how far each migration is
    wait          true: whoever asks comes again for what is left, and nothing is handed to a newer version

A retry goes on from the last page that was noted. What a newer release applied is handed to the version that applied it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from chalicelib.platform import stacks
from chalicelib.platform.clock import utc_now
from chalicelib.platform.duty import duty
from chalicelib.platform.errors import CygniError, InvalidInput, RegionPassive, Transient
from chalicelib.platform.lambdas import Functions
from chalicelib.upgrades import service as upgrades
from chalicelib.upgrades.service import Asked, Direction, Phase, Progress, Run
from functions.observed import observed

NAME = "cygni-migrate"
_MARGIN = 60_000
"""Milliseconds that a slice leaves for its last page."""
_TRIES = 5
"""Times in a row that a slice may meet something that passes."""
_FIELDS = {"phase", "migrations", "again", "dry_run", "cursor", "status", "tries", "wait", "request"}


@observed
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers what was done, and whether it goes on (`left`)."""
    try:
        return _slice(event, context)
    except CygniError as error:
        tries = int(event.get("tries", 0)) + 1
        if isinstance(error, Transient) and tries < _TRIES:
            return _go_on(event, context, tries=tries)
        if not stacks.is_asked(event):
            raise
        stacks.answer(event, reason=f"{error.message} {error.remedy}")
        return {"failed": error.code}


def _slice(event: dict[str, Any], context: Any) -> dict[str, Any]:
    if stacks.is_asked(event) and event["RequestType"] == "Delete":
        stacks.answer(event)  # the records stay as they are
        return {"left": False}
    if event.get("status"):
        return {"migrations": [_noted(each) for each in upgrades.standing()]}
    if not _acts():
        if stacks.is_asked(event):
            stacks.answer(event)  # the tables are the other region's as well, and it migrates them
        return {"left": False, "passive": True}
    asked, run = _asked(event), Run(_until(context), utc_now, _version(context))
    if event.get("dry_run"):
        return _rehearsed(event, asked, run)
    told = upgrades.migrate(asked, run)
    answer = {"migrations": [asdict(each) for each in told.progress], "left": told.left}
    if event.get("wait"):
        return {**answer, "strangers": [each.name for each in told.strangers]}
    if told.left:
        done = {each.name for each in told.progress if each.done}
        _go_on({**event, "again": [each for each in asked.again if each not in done]}, context)
    elif told.strangers:
        return _handed_over(event, [each.by for each in told.strangers])
    elif stacks.is_asked(event):
        stacks.answer(event)
    return answer


def _acts() -> bool:
    try:
        duty().require()
    except RegionPassive:
        return False
    return True


def _asked(event: dict[str, Any]) -> Asked:
    given = event.get("ResourceProperties", event)
    if not stacks.is_asked(event) and set(event) - _FIELDS:
        raise InvalidInput(f"{', '.join(sorted(set(event) - _FIELDS))}: no such field; known are {', '.join(sorted(_FIELDS))}.")
    phase = given.get("Phase", given.get("phase"))
    if phase is not None and phase not in list(Phase):
        raise InvalidInput(f"phase: must be before or after, not {phase!r}.")
    phases = tuple(Phase) if phase is None else (Phase(phase),)
    known = [each.name for each in upgrades.MIGRATIONS if each.phase in phases]
    wanted = given.get("Migrations", given.get("migrations"))
    asked = Asked(tuple(known if wanted is None else wanted), phases, tuple(event.get("again", ())))
    unknown = sorted({*asked.wanted, *asked.again} - set(known))
    if unknown and not stacks.is_asked(event):
        raise InvalidInput(f"migrations: there is no {', '.join(unknown)}; there are {', '.join(known) or 'none'}.")
    return asked


def _rehearsed(event: dict[str, Any], asked: Asked, run: Run) -> dict[str, Any]:
    """One pass through the table for each migration; an answer that is not `done` says what to send to go on."""
    begun = event.get("cursor")
    wanted = [each for each in upgrades.MIGRATIONS if each.name in asked.wanted]
    told = []
    for each in wanted:
        at = None
        if begun and begun["name"] == each.name:
            at = Progress(each.name, Direction.UP, False, begun["seen"], begun["changed"], tuple(begun["cursor"]))
        elif begun and each.name < begun["name"]:
            continue
        told.append(upgrades.rehearse(each, Direction.UP, run, begun=at))
        if not told[-1].done:
            return {"migrations": [asdict(one) for one in told], "left": True, "cursor": asdict(told[-1])}
    return {"migrations": [asdict(each) for each in told], "left": False}


def _go_on(event: dict[str, Any], context: Any, *, tries: int = 0) -> dict[str, Any]:
    Functions().send(NAME, {**event, "tries": tries}, version=_version(context))
    return {"left": True}


def _handed_over(event: dict[str, Any], versions: Iterable[str]) -> dict[str, Any]:
    """To the newest of the versions that applied what is unknown here: it knows all that came before it."""
    able = sorted((each for each in versions if each.isdecimal()), key=int)
    if not able:
        raise InvalidInput(
            "A newer Cygni applied migrations that this one does not know.", remedy="Take them back with that one, or go on."
        )
    Functions().send(NAME, event, version=able[-1])
    return {"left": True, "by": able[-1]}


def _noted(record: Any) -> dict[str, Any]:
    stands, seen = record.standing, {"seen": int(record.seen), "changed": int(record.changed)}
    return {"name": stands.name, "direction": stands.direction, "done": stands.done, "by": stands.by, **seen}


def _until(context: Any) -> datetime:
    left = context.get_remaining_time_in_millis() if context else 300_000
    return utc_now() + timedelta(milliseconds=max(0, left - _MARGIN))


def _version(context: Any) -> str:
    version = str(getattr(context, "function_version", "") or "")
    return "" if version == "$LATEST" else version
