"""Erasing where a person's requests came from. The chain holds on: it covers a seal, which nobody opens without the salt."""

from __future__ import annotations

from chalicelib.audit.models import HEAD, HeadRecord, LineRecord, lines_pk
from chalicelib.audit.rules import chunk_of
from chalicelib.platform.store import Store
from chalicelib.platform.table import ConditionFailed, Put


def erase_sources(team: str, user: str) -> int:
    """Blanks source and salt of all that a person did in a team; answers how many lines. Twice finds none. Raises Transient."""
    store = Store((f"TEAM#{team}",))
    head = store.fetch(HeadRecord, f"TEAM#{team}", HEAD)
    newest = int(head.seq) if head is not None else 0
    return sum(_erase_in(store, lines_pk(team, chunk), user) for chunk in range(chunk_of(newest) + 1)) if newest else 0


def _erase_in(store: Store, pk: str, user: str) -> int:
    found = store.every(LineRecord, pk, "L")
    return sum(_erase(store, each) for each in found if each.actor == user and (each.source or each.salt))


def _erase(store: Store, line: LineRecord) -> bool:
    """False for a line that has expired meanwhile."""
    line.source = line.salt = None
    try:
        store.commit([Put(line, LineRecord.pk.exists())])
    except ConditionFailed:
        return False
    return True
