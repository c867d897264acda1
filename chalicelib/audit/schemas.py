"""What the API takes and gives about the audit trail."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from chalicelib.audit.reading import Filter
from chalicelib.audit.rules import Linked, Outcome
from chalicelib.platform.errors import FieldError, InvalidInput
from chalicelib.platform.schema import Cursor, Input, Moment, NextCursor, Output

_Text = Annotated[str, StringConstraints(min_length=1, max_length=300)]


def _written_out(value: Any) -> Any:
    """Refuses a bare number, which might be seconds or milliseconds."""
    if isinstance(value, str) and not _DATED.match(value):
        raise ValueError("write the time as ISO 8601, such as 2026-01-02T03:04:05Z")
    return value


_DATED = re.compile(r"\d{4}-\d\d-\d\d")
_Time = Annotated[datetime, BeforeValidator(_written_out)]


class AuditQuery(Input):
    """Which lines are wanted."""

    actor: _Text | None = Field(None, description="Id of a user, an API key or a federated caller.")
    operation: _Text | None = Field(None, description="Name of an operation, as in this document.")
    resource: _Text | None = Field(None, description="A path without /v1/, such as projects/hello: it and all below it.")
    outcome: Literal["done", "refused"] | None = None
    since: _Time | None = Field(None, description="ISO 8601; without a zone it is UTC.")
    until: _Time | None = Field(None, description="ISO 8601, exclusive; without a zone it is UTC.")
    cursor: Cursor | None = None
    limit: int = Field(50, ge=1, le=100, description="Most items in the page.")

    def filter(self) -> Filter:
        """As the trail is asked. Raises InvalidInput when no time lies between `since` and `until`."""
        if self.since and self.until and utc(self.since) >= utc(self.until):
            broken = FieldError("query.until", "It is not later than since.", "Give a later time, or leave one out.")
            raise InvalidInput("No time lies between since and until.", fields=[broken])
        since, until = self.since and utc(self.since), self.until and utc(self.until)
        return Filter(self.actor, self.operation, self.resource, self.outcome, since, until)


class ExportQuery(AuditQuery):
    """Which lines are wanted, and in which form."""

    format: Literal["csv", "json"] = "json"
    limit: int = Field(1000, ge=1, le=1000, description="Most lines in one answer.")


class LineView(Output):
    """One line of the trail. Its digest covers all members but `source`, `salt` and `digest`."""

    seq: int
    at: Moment
    actor: str
    actor_kind: str
    operation: str
    resource: str
    outcome: Outcome
    code: str = Field(description="Why a refused attempt was refused.")
    request: str = Field(description="Id of the request.")
    before: str = Field(description="Digest of the records before the change; empty when there were none.")
    after: str = Field(description="Digest of the records after the change; empty when there are none.")
    source: str = Field(description="Address the request came from; empty once its person was erased.")
    salt: str
    seal: str = Field(description="First 32 hex digits of SHA-256 over salt, a zero byte, and source.")
    expires: int = Field(description="When the line is deleted, in Unix seconds.")
    previous_expires: int
    previous: str = Field(description="Digest of the line before.")
    digest: str


class LinePage(Output):
    """A page of lines, newest first. A page may hold fewer than asked for, and still not be the last."""

    items: tuple[LineView, ...]
    next_cursor: NextCursor = None


class HeadView(Output):
    """The newest line. Whoever notes it can tell later that nothing before it was rewritten."""

    team: str
    seq: int
    digest: str


def line_view(each: Linked) -> LineView:
    """A line as the API shows it."""
    line = each.line
    return LineView(
        seq=line.seq,
        at=datetime.fromisoformat(line.at.replace("Z", "+00:00")),
        actor=line.actor,
        actor_kind=line.actor_kind,
        operation=line.operation,
        resource=line.resource,
        outcome=Outcome(line.outcome),
        code=line.code,
        request=line.request,
        before=line.before,
        after=line.after,
        source=each.source,
        salt=each.salt,
        seal=line.seal,
        expires=line.expires,
        previous_expires=line.previous_expires,
        previous=line.previous,
        digest=each.digest,
    )


def utc(moment: datetime) -> datetime:
    """The moment in UTC; one without a zone is taken as such."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
