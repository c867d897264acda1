"""Reading a team's audit trail, newest line first."""

from __future__ import annotations

from datetime import datetime

from chalicelib.audit.models import HEAD, HeadRecord, LineRecord, line_sk, lines_pk, linked_of
from chalicelib.audit.rules import CHUNK, Linked, chunk_of
from chalicelib.platform.clock import iso
from chalicelib.platform.errors import Malformed
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.opaque import decode_cursor, encode_cursor
from chalicelib.platform.store import Store

LOOKS = 8
"""Partitions that one page reads at most: with a filter that seldom matches, a page may hold few lines and a cursor."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are wanted: those of an actor, of an operation, on a resource or below it, from `since`, before `until`."""

    actor: str | None = None
    operation: str | None = None
    resource: str | None = None
    outcome: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, each: Linked) -> bool:
        """Whether a line is wanted."""
        line, resource = each.line, self.resource
        return (
            self.actor in (None, line.actor)
            and self.operation in (None, line.operation)
            and self.outcome in (None, line.outcome)
            and (resource is None or line.resource == resource or line.resource.startswith(resource.rstrip("/") + "/"))
            and (self.until is None or line.at < iso(self.until))
            and not self.ends(each)
        )

    def ends(self, each: Linked) -> bool:
        """Whether all lines from this one back are too old."""
        return self.since is not None and each.line.at < iso(self.since)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line's number and digest: whoever notes them can tell later that nothing before was rewritten."""

    seq: int
    digest: str


@dataclass(frozen=True, slots=True)
class LinePage:
    """Lines, newest first, and where the next page begins; None at the end."""

    items: tuple[Linked, ...]
    cursor: str | None


def get_head(store: Store, team: str) -> Head:
    """The newest line of a team's trail; number 0 before the first."""
    record = store.fetch(HeadRecord, f"TEAM#{team}", HEAD) or HeadRecord()
    return Head(int(record.seq), record.digest)


def list_lines(store: Store, team: str, wanted: Filter, *, cursor: str | None, limit: int) -> LinePage:
    """A page of lines, newest first. Lines that have expired are gone. Raises Malformed for a foreign cursor."""
    newest = get_head(store, team).seq if cursor is None else _place(cursor)
    if cursor is None and wanted.until is not None:
        newest = _last_before(store, team, newest, wanted.until)
    found: list[Linked] = []
    for _ in range(LOOKS):
        if newest < 1:
            return LinePage(tuple(found), None)
        lines = _chunk(store, team, newest, limit)
        for each in lines:
            if wanted.ends(each):
                return LinePage(tuple(found), None)
            newest = each.line.seq - 1
            if wanted.takes(each):
                found.append(each)
                if len(found) == limit:
                    return LinePage(tuple(found), _cursor(newest))
        if not lines:
            newest = chunk_of(newest) * CHUNK
            if not _chunk(store, team, newest, 1):
                return LinePage(tuple(found), None)
    return LinePage(tuple(found), _cursor(newest))


def _chunk(store: Store, team: str, newest: int, limit: int) -> list[Linked]:
    """Lines of one partition from `newest` backwards."""
    if newest < 1:
        return []
    pk = lines_pk(team, chunk_of(newest))
    after = encode_cursor({"pk": pk, "sk": line_sk(newest + 1)})
    records, _ = store.page(LineRecord, pk, "L", cursor=after, limit=max(limit, 100), newest_first=True)
    return [linked_of(record) for record in records]


def _last_before(store: Store, team: str, newest: int, until: datetime) -> int:
    """A number from which on, backwards, no line is left out that is older than `until`: found by halving partitions."""
    low, high = 0, chunk_of(newest) if newest else 0
    while low < high:
        middle = (low + high + 1) // 2
        records, _ = store.page(LineRecord, lines_pk(team, middle), "L", cursor=None, limit=1)
        if records and records[0].at >= iso(until):
            high = middle - 1
        else:
            low = middle
    return min(newest, (low + 1) * CHUNK)


def _cursor(newest: int) -> str | None:
    return encode_cursor({"seq": newest}) if newest >= 1 else None


def _place(cursor: str) -> int:
    seq = decode_cursor(cursor).get("seq")
    if not isinstance(seq, int) or isinstance(seq, bool) or seq < 1:
        raise Malformed("The cursor does not belong to an audit trail.", remedy="Leave it out to begin at the newest line.")
    return seq
