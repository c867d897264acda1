"""Dead letters and their queues, as tables for people and documents for machines. Names and ids only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Protocol

from rich.console import RenderableType
from rich.text import Text

from cygni.cli.views.people import hint
from cygni.cli.views.words import NOTHING, ago, plain_table


class Queue(Protocol):
    """What is told of a queue."""

    @property
    def name(self) -> str: ...
    @property
    def waiting(self) -> int: ...
    @property
    def held(self) -> int: ...


class Letter(Protocol):
    """What is told of a letter."""

    @property
    def id(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def sent_at(self) -> datetime: ...
    @property
    def function(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def about(self) -> Any: ...
    @property
    def fault(self) -> str: ...


def queue_document(queue: Queue) -> dict[str, Any]:
    """A queue for machines."""
    return {"name": queue.name, "waiting": queue.waiting, "held": queue.held}


def letter_document(letter: Letter, outcome: str, *, left: bool | None = None) -> dict[str, Any]:
    """A letter for machines. `outcome` is `replayed`, or why it was or would be left."""
    return {
        "id": letter.id,
        "queue": letter.queue,
        "sent_at": letter.sent_at.isoformat().replace("+00:00", "Z"),
        "function": letter.function,
        "error": letter.error,
        "about": dict(letter.about),
        "outcome": outcome or letter.fault,
        "left": bool(letter.fault) if left is None else left,
    }


def queues_table(queues: Sequence[Queue], place: str) -> RenderableType:
    """Queues by name, and what comes next."""
    if not queues:
        return hint(f"There is no dead-letter queue of Cygni's at {place}.")
    table = plain_table("QUEUE", "LETTERS", "IN HAND")
    for each in queues:
        table.add_row(each.name, str(each.waiting), str(each.held))
    return table


def letters_table(letters: Sequence[dict[str, Any]], now: datetime) -> RenderableType:
    """Letters in the order they were taken up."""
    if not letters:
        return hint("There are no dead letters.")
    table = plain_table("FUNCTION", "ERROR", "SENT", "ABOUT", "OUTCOME", "ID")
    for each in letters:
        about = " ".join(f"{name}={value}" for name, value in each["about"].items())
        outcome = Text(each["outcome"] or NOTHING, style="red" if each["left"] else "")
        sent = ago(each["sent_at"], now)
        table.add_row(each["function"] or NOTHING, each["error"] or NOTHING, sent, about or NOTHING, outcome, each["id"])
    return table


def ended_line(replayed: int, left: int) -> Text:
    """How many were replayed and how many left."""
    return Text(f"{replayed} replayed, {left} left." if left else f"{replayed} replayed.")
