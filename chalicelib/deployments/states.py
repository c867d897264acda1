"""What a deployment can be, what can be asked of it, and its timeline. Pure, and light: every reader of a record loads it.

A timeline keeps its first and newest entries; entry numbers rise without gaps, so that a cursor is a number.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from chalicelib.platform.frozen import dataclass

KEEP_FIRST = 20
KEEP_NEWEST = 130
"""Timeline entries kept of a long rollout, so that a record stays far below the table's 400 KB."""
LONGEST = 1000
"""Characters kept of an entry's message, for the same reason."""


class State(StrEnum):
    """Where a deployment stands."""

    AWAITING_APPROVAL = "awaiting_approval"
    QUEUED = "queued"
    BUILDING = "building"
    ROLLING_OUT = "rolling_out"
    PROMOTED = "promoted"
    ROLLED_BACK = "rolled_back"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"


ENDED = frozenset({State.PROMOTED, State.ROLLED_BACK, State.FAILED, State.CANCELLED, State.SUPERSEDED})


class Request(StrEnum):
    """What a person may ask of a deployment under way."""

    ABORT = "abort"
    PAUSE = "pause"
    RESUME = "resume"
    PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One entry of a timeline. `kind` is a stable name; `by` is who asked, where somebody did."""

    seq: int
    at: datetime
    kind: str
    message: str
    by: str | None = None

    def to_list(self) -> list[Any]:
        """As JSON-able values, short, since they are written with every change."""
        return [self.seq, self.at.isoformat(), self.kind, self.message, self.by]

    @classmethod
    def from_list(cls, stored: list[Any]) -> TimelineEvent:
        """The entry that `to_list` stored."""
        return cls(int(stored[0]), datetime.fromisoformat(stored[1]), stored[2], stored[3], stored[4])


def grown(timeline: list[list[Any]], event: TimelineEvent) -> list[list[Any]]:
    """The stored timeline with one more entry."""
    whole = [*timeline, replace(event, message=event.message[:LONGEST]).to_list()]
    if len(whole) <= KEEP_FIRST + KEEP_NEWEST:
        return whole
    return [*whole[:KEEP_FIRST], *whole[-KEEP_NEWEST:]]
