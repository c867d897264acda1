"""Freeze windows: times in which no release of an environment begins, unless somebody who may lift them says so.

1. A window is a beginning, an end and a reason; at its end it is over by itself.
2. It is asked about when a deployment is made and when its turn has come. What is rolling out already goes on, and every
   rollback is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from chalicelib.platform.errors import Conflict, FieldError, InvalidInput, LostRace
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.projects.models import EnvironmentRecord

if TYPE_CHECKING:
    from chalicelib.platform.store import Store

MOST = 20
TRIES = 5


@dataclass(frozen=True, slots=True, order=True)
class Freeze:
    """From `begins`, until before `until`."""

    begins: datetime
    until: datetime
    reason: str


def new_freeze(begins: datetime | None, until: datetime, reason: str, now: datetime) -> Freeze:
    """A window that begins now if it is not said when. Raises InvalidInput for one that is over, or ends before it begins."""
    starts = begins or now
    said = "is over already" if until <= now else f"is not after its beginning, {starts:%Y-%m-%dT%H:%MZ}"
    if until <= max(now, starts):
        raise InvalidInput("The freeze has no time.", fields=[FieldError("until", said, "Give a later moment.")])
    return Freeze(starts, until, reason)


def freezes_of(record: EnvironmentRecord) -> tuple[Freeze, ...]:
    """The windows of an environment, by their beginning."""
    stored = record.freezes or ()
    return tuple(sorted(Freeze(datetime.fromisoformat(a), datetime.fromisoformat(b), reason) for a, b, reason in stored))


def frozen_by(freezes: Iterable[Freeze], now: datetime) -> Freeze | None:
    """The window that holds now and lasts longest; None where nothing is frozen."""
    holding = [each for each in freezes if each.begins <= now < each.until]
    return max(holding, key=lambda each: each.until, default=None)


def frozen(freeze: Freeze, environment: str) -> Conflict:
    """What a deployment is answered with while a window holds."""
    return Conflict(
        f"Environment {environment} is frozen until {freeze.until:%Y-%m-%d %H:%M} UTC: {freeze.reason}",
        remedy="Deploy then, or, if you may lift the freeze, with `override_freeze` (`cygni deploy --override-freeze`).",
    )


def add(store: Store, load: Callable[[], EnvironmentRecord], freeze: Freeze, now: datetime) -> EnvironmentRecord:
    """Adds a window, and leaves out those that are over; adding it twice is adding it once.

    `load` reads the record. Raises what it does, Conflict when there are too many, and LostRace.
    """

    def added(known: tuple[Freeze, ...]) -> tuple[Freeze, ...]:
        kept = sorted({*(each for each in known if each.until > now), freeze})
        if len(kept) > MOST:
            raise Conflict(f"There are {MOST} freeze windows already.", remedy="Lift those that are not needed.")
        return tuple(kept)

    return _change(store, load, added)


def clear(store: Store, load: Callable[[], EnvironmentRecord]) -> EnvironmentRecord:
    """Lifts all windows. Raises what `load` does, and LostRace."""
    return _change(store, load, lambda _: ())


def _change(
    store: Store, load: Callable[[], EnvironmentRecord], change: Callable[[tuple[Freeze, ...]], tuple[Freeze, ...]]
) -> EnvironmentRecord:
    for _ in range(TRIES):
        record: EnvironmentRecord = load()
        before = freezes_of(record)
        after = change(before)
        if after == before:
            return record
        record.freezes = [[each.begins.isoformat(), each.until.isoformat(), each.reason] for each in after] or None
        try:
            store.commit([Put(record)])
        except ConditionFailed:
            continue
        return record
    raise LostRace("The environment changes too quickly just now.")
