"""Moments on the command line: a date, a time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from cygni.cli.errors import Usage

_AGO = re.compile(r"([0-9]{1,6})([mhdw])")
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def moment_of(text: str | None, now: datetime) -> str | None:
    """A moment as the API takes it, from ISO 8601 (UTC without a zone) or how long ago (30m, 12h, 7d, 2w). Raises Usage."""
    if text is None:
        return None
    if match := _AGO.fullmatch(text):
        try:
            moment = now - int(match[1]) * _UNITS[match[2]]
        except OverflowError:
            raise _usage(text) from None
    else:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise _usage(text) from None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _usage(text: str) -> Usage:
    return Usage(f"{text!r} is no moment.", remedy="Write one as 2026-01-31, 2026-01-31T12:00:00Z, or 30m, 12h, 7d, 2w ago.")
