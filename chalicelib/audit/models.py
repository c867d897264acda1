"""Records of the audit trail.

| access pattern            | table       | pk                     | sk                    | written                        |
| ------------------------- | ----------- | ---------------------- | --------------------- | ------------------------------ |
| lines of a team, in order | cygni-audit | TEAM#<t>#AUDIT#<chunk> | L<seq>, twelve digits | once, in the change's commit   |
| the newest line of a team | cygni       | TEAM#<t>               | AUDIT                 | with each line, by its version |

The table of lines is append-only: no function but the one that erases a person's data may change what is in it. The head is
kept apart from it, so that this can be a policy.
"""

from __future__ import annotations

from datetime import UTC, datetime

from pynamodb.attributes import JSONAttribute, NumberAttribute, TTLAttribute, UnicodeAttribute

from chalicelib.audit.rules import GENESIS, Line, Linked, chunk_of
from chalicelib.platform.table import Item, Record

HEAD = "AUDIT"


def lines_pk(team: str, chunk: int) -> str:
    """Partition of five hundred lines."""
    return f"TEAM#{team}#AUDIT#{chunk:06d}"


def line_sk(seq: int) -> str:
    """Sort key of a line; numbers sort as text."""
    return f"L{seq:012d}"


class HeadRecord(Record):
    """The newest line of a team's trail, whose access tokens count no more for changes since when, and for
    how many days lines are kept where the team has set that."""

    seq = NumberAttribute(default=0)
    digest = UnicodeAttribute(default=GENESIS)
    expires = NumberAttribute(default=0)
    revoked = JSONAttribute(default=dict)
    retention = NumberAttribute(null=True)


class LineRecord(Item):
    """One line. `source` and `salt` say where from; erasing a person empties them."""

    class Meta:
        """Where it lives."""

        table_name = "cygni-audit"

    seq = NumberAttribute()
    at = UnicodeAttribute()
    actor = UnicodeAttribute()
    actor_kind = UnicodeAttribute()
    operation = UnicodeAttribute()
    resource = UnicodeAttribute()
    outcome = UnicodeAttribute()
    code = UnicodeAttribute(default="")
    request = UnicodeAttribute()
    before = UnicodeAttribute(default="")
    after = UnicodeAttribute(default="")
    seal = UnicodeAttribute()
    previous = UnicodeAttribute()
    previous_expires = NumberAttribute(default=0)
    digest = UnicodeAttribute()
    source = UnicodeAttribute(null=True)
    salt = UnicodeAttribute(null=True)
    expires_at = TTLAttribute()


def record_of(line: Line, digest: str, source: str, salt: str) -> LineRecord:
    """A line as it is stored."""
    record = LineRecord(lines_pk(line.team, chunk_of(line.seq)), line_sk(line.seq), digest=digest, source=source, salt=salt)
    for name in _PLAIN:
        setattr(record, name, getattr(line, name))
    record.expires_at = datetime.fromtimestamp(line.expires, UTC)
    return record


def linked_of(record: LineRecord) -> Linked:
    """A stored line."""
    values = {name: getattr(record, name) for name in _PLAIN}
    values |= {"seq": int(record.seq), "previous_expires": int(record.previous_expires)}
    team = record.pk.split("#")[1]
    line = Line(team=team, expires=int(record.expires_at.timestamp()), **values)
    return Linked(line, record.digest, record.source or "", record.salt or "")


_PLAIN = (
    "seq",
    "at",
    "actor",
    "actor_kind",
    "operation",
    "resource",
    "outcome",
    "code",
    "request",
    "before",
    "after",
    "seal",
    "previous",
    "previous_expires",
)
