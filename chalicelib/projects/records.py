"""What creating, describing and loading a record have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from chalicelib.identity.service import Room
from chalicelib.platform import once as keys
from chalicelib.platform.errors import Conflict, NotFound, StaleVersion
from chalicelib.platform.once import Once
from chalicelib.platform.store import Store
from chalicelib.platform.table import ConditionFailed, Put, Record, Remove, Write
from chalicelib.projects.models import EnvironmentRecord, ProjectRecord, ServiceRecord

R = TypeVar("R", bound=Record)
D = TypeVar("D", ProjectRecord, EnvironmentRecord, ServiceRecord)


def create(
    store: Store, writes: list[Write], *, room: Room | None, made: str, once: Once | None, taken: str, absent: str = ""
) -> bool:
    """Commits a creation; a taken name, a missing parent and a full quota are told apart.

    False when an earlier request with the same key made it: what it is by now has to be read then.
    """
    try:
        store.commit([*writes, *([room.write] if room else []), *keys.writes(once, made)])
    except ConditionFailed as lost:
        if keys.seen(store, once) == made:
            return False
        if absent and 1 in lost.failed:
            raise NotFound(absent) from lost
        if room is not None and lost.failed == {len(writes)}:
            raise room.refusal() from lost
        raise Conflict(taken, remedy="Choose another name, or use the one that exists.") from lost
    return True


def describe(store: Store, record: D, description: str, version: int) -> D:
    """Changes a description, if `version` is still the newest. Raises StaleVersion."""
    if record.version != version:
        raise StaleVersion(f"The newest version is {record.version}, not {version}.")
    record.description = description
    try:
        store.commit([Put(record)])
    except ConditionFailed as lost:
        raise StaleVersion("It was changed at the same moment.") from lost
    return record


def load(store: Store, model: type[R], pk: str, sk: str, absent: str) -> R:
    """One record. Raises NotFound with the sentence `absent`."""
    record = store.fetch(model, pk, sk)
    if record is None:
        raise NotFound(absent)
    return record


def remove(store: Store, model: type[Record], pk: str, sk: str, absent: str, also: Sequence[Write] = ()) -> None:
    """Deletes a record, and does what goes with it in the same commit. Raises NotFound with the sentence `absent`."""
    try:
        store.commit([Remove(model, pk, sk, model.pk.exists()), *also])
    except ConditionFailed as lost:
        if 0 in lost.failed:
            raise NotFound(absent) from None
        raise
