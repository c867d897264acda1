"""What creating, describing and loading a record have in common."""

from __future__ import annotations

from typing import TypeVar

from chalicelib.platform import once as keys
from chalicelib.platform.errors import Conflict, NotFound, StaleVersion
from chalicelib.platform.once import Once
from chalicelib.platform.table import ConditionFailed, Put, Record, Write, commit, fetch, store_errors
from chalicelib.projects.models import EnvironmentRecord, ProjectRecord, ServiceRecord

R = TypeVar("R", bound=Record)
D = TypeVar("D", ProjectRecord, EnvironmentRecord, ServiceRecord)


def create(writes: list[Write], *, made: str, once: Once | None, taken: str, absent: str = "") -> None:
    """Commits a creation. A repeated request with the same key passes; a taken name and a missing parent are told apart."""
    try:
        commit([*writes, *keys.writes(once, made)])
    except ConditionFailed as lost:
        if keys.seen(once) == made:
            return
        if absent and 1 in lost.failed:
            raise NotFound(absent) from lost
        raise Conflict(taken, remedy="Choose another name, or use the one that exists.") from lost


def describe(record: D, description: str, version: int) -> D:
    """Changes a description, if `version` is still the newest. Raises StaleVersion."""
    if record.version != version:
        raise StaleVersion(f"The newest version is {record.version}, not {version}.")
    record.description = description
    try:
        commit([Put(record)])
    except ConditionFailed as lost:
        raise StaleVersion("It was changed at the same moment.") from lost
    return record


def load(model: type[R], pk: str, sk: str, absent: str) -> R:
    """One record. Raises NotFound with the sentence `absent`."""
    record = fetch(model, pk, sk)
    if record is None:
        raise NotFound(absent)
    return record


def remove(model: type[Record], pk: str, sk: str, absent: str) -> None:
    """Deletes a record. Raises NotFound with the sentence `absent`."""
    try:
        with store_errors():
            model(pk, sk).delete(model.pk.exists(), add_version_condition=False)
    except ConditionFailed:
        raise NotFound(absent) from None
