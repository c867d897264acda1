"""Small words that all views share: numbers with units, times, states and their colours."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

STATE_STYLES = {
    "promoted": "green",
    "rolled_back": "red",
    "failed": "red",
    "cancelled": "yellow",
    "superseded": "yellow",
    "rolling_out": "cyan",
    "building": "cyan",
    "queued": "blue",
    "awaiting_approval": "yellow",
}
NOTHING = "–"


def state_text(state: str) -> Text:
    """A deployment's state for people, in its colour."""
    return Text(state.replace("_", " "), style=STATE_STYLES.get(state, ""))


def percent(value: float | None) -> str:
    """A percentage with one digit after the point; a dash when there is none."""
    return NOTHING if value is None else f"{value:.1f} %"


def milliseconds(value: float | None) -> str:
    """Milliseconds without digits after the point; a dash when there are none."""
    return NOTHING if value is None else f"{value:.0f} ms"


def release_name(number: int | None) -> str:
    """`r3`; a dash before the first release."""
    return NOTHING if number is None else f"r{number}"


def parse_time(text: str) -> datetime:
    """An API time as a moment in UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def clock_time(text: str) -> str:
    """The time of day of an API time, in UTC, to the second."""
    return parse_time(text).astimezone(UTC).strftime("%H:%M:%S")


def ago(text: str | None, now: datetime) -> str:
    """How long ago an API time was, in its largest unit."""
    if text is None:
        return NOTHING
    seconds = max(0, int((now - parse_time(text)).total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return f"{seconds}s ago"


def until(text: str, now: datetime) -> str:
    """How far ahead an API time is, to its largest unit; `over` when it has passed."""
    seconds = round((parse_time(text) - now).total_seconds())
    if seconds < 0:
        return "over"
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if (amount := (seconds + size // 2) // size) and seconds >= size - 60:
            return f"in {amount}{unit}"
    return f"in {seconds}s"


def short_image(image: str | None) -> str:
    """The first twelve characters of an image's digest."""
    return image.rpartition("sha256:")[2][:12] if image and "sha256:" in image else image or NOTHING


def plain_table(*columns: str, right: tuple[str, ...] = ()) -> Table:
    """The one look of all tables: no frame, a bold head, numbers to the right."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column, justify="right" if column in right else "left", no_wrap=column not in {"MESSAGE", "DESCRIPTION", "REASON"}
        )
    return table
