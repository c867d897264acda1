"""The lines of many pods as one log, read page by page without loss or repeats. Pure.

1. A pod's log is its restarted container's last lines and then its present ones. Lines have the time at which the node took
   them, in nanoseconds; a line that is stamped earlier than the one before it counts as of the same moment.
2. A line's place in its pod's log is (moment, how many lines of that moment there were up to it): many lines may share one
   moment, and each still has a place of its own.
3. A cursor holds each pod's last place given out, so that neither clocks that differ between nodes nor a pod that was silent
   for long lose a line. What it cannot bring back: lines that the node has dropped, those of a container that was restarted
   twice between two pages, those of a pod that is gone, and what a pod writes beyond 16 MiB within two seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from chalicelib.platform.errors import Malformed
from chalicelib.platform.opaque import decode_cursor, encode_cursor
from chalicelib.runtime.rules import short_hash

NANO = 1_000_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STAMPED = re.compile(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)(?: |$)(.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line: when it was written, by which revision (`r3`) and pod, and what it says."""

    at: datetime
    revision: str
    pod: str
    text: str


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines in the order of their time, and the cursor with which the next page goes on."""

    lines: tuple[LogLine, ...]
    cursor: str


class Place(NamedTuple):
    """A place in a pod's log: nanoseconds since 1970, and the how manieth line of that moment. Places compare."""

    moment: int
    nth: int


START = Place(0, 0)


class Entry(NamedTuple):
    """A line at its place."""

    place: Place
    text: str


@dataclass(frozen=True, slots=True)
class PodLog:
    """What was read of a pod's log: entries in order, and whether the reading was cut before the log's end."""

    pod: str
    revision: str
    entries: Sequence[Entry]
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Cursor:
    """The place reached in each pod, by a hash of its name; `floor` is where pods begin that it does not know."""

    floor: Place = START
    places: Mapping[str, Place] = field(default_factory=dict)

    def place(self, pod: str) -> Place:
        """The place reached in this pod."""
        return self.places.get(_key(pod), self.floor)

    def moved(self, reached: Mapping[str, Place], pods: Iterable[str]) -> Cursor:
        """With the places reached in a page. Pods that are gone are forgotten."""
        there = {_key(pod) for pod in pods}
        kept = {key: place for key, place in self.places.items() if key in there}
        return Cursor(self.floor, kept | {_key(pod): place for pod, place in reached.items()})

    def encode(self) -> str:
        """As callers get it."""
        return encode_cursor({"f": list(self.floor), "p": {key: list(place) for key, place in self.places.items()}})

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """What `encode` wrote; anything else raises Malformed."""
        value = decode_cursor(text)
        try:
            places = {str(key): _place(pair) for key, pair in value["p"].items()}
            return cls(_place(value["f"]), places)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Malformed("The cursor is not one of ours.", remedy="Leave the cursor out to read the last lines.") from error


def merge(logs: Sequence[PodLog], cursor: Cursor, *, limit: int, newest: bool = False) -> LogPage:
    """The next `limit` lines after the cursor, or the `newest` ones, and the cursor after them.

    Going forward, nothing is given out that is later than where a cut reading ended, so that pages stay in order.
    """
    unseen = [(entry, log) for log in logs for entry in log.entries if newest or entry.place > cursor.place(log.pod)]
    unseen.sort(key=lambda pair: (pair[0].place.moment, pair[1].pod, pair[0].place.nth))
    fresh = {log.pod for _, log in unseen}
    horizon = min((log.entries[-1].place.moment for log in logs if log.cut and log.pod in fresh), default=None)
    if newest:
        given, reached = unseen[-limit:], {log.pod: log.entries[-1].place for log in logs if log.entries}
    else:
        given = [pair for pair in unseen if horizon is None or pair[0].place.moment <= horizon][:limit]
        reached = {log.pod: entry.place for entry, log in given}
    lines = tuple(LogLine(_datetime(entry.place.moment), log.revision, log.pod, entry.text) for entry, log in given)
    return LogPage(lines, cursor.moved(reached, (log.pod for log in logs)).encode())


def entries(previous: str, current: str, *, closed: bool) -> list[Entry]:
    """The entries in the logs of a pod's previous and present container.

    Between two runs a server may give the same log for both: it counts once. The last line of a log that is not `closed`
    counts only when it is ended, since more of it may come.
    """
    before = _stamped(previous, closed=True)
    known = set(before)
    after = [line for line in _stamped(current, closed=closed) if line not in known]
    found: list[Entry] = []
    moment, nth = 0, 0
    for written, text in (*before, *after):
        nth = nth + 1 if written <= moment else 1
        moment = max(moment, written)
        found.append(Entry(Place(moment, nth), text))
    return found


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since 1970, exactly."""
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def second_before(place: Place) -> datetime | None:
    """From when on to read so that the place's whole moment is read again; None is from the beginning."""
    return None if place <= START else _datetime(max(0, place.moment - NANO))


def _stamped(text: str, *, closed: bool) -> list[tuple[int, str]]:
    """(nanoseconds, words) of each line. A line without a time, which no node writes, takes that of the line before."""
    lines = text.split("\n")
    last = lines.pop()
    if last and closed:
        lines.append(last)
    found: list[tuple[int, str]] = []
    for line in lines:
        match = _STAMPED.match(line)
        if match is not None:
            clock, fraction, zone, words = match.groups()
            whole = datetime.fromisoformat(clock + zone.replace("Z", "+00:00"))
            found.append((nanoseconds(whole) + int((fraction or "").ljust(9, "0")), words.removesuffix("\r")))
        elif found:
            found.append((found[-1][0], line))
    return found


def _datetime(moment: int) -> datetime:
    return _EPOCH + timedelta(microseconds=moment // 1000)


def _key(pod: str) -> str:
    return short_hash(pod, length=10)


def _place(pair: object) -> Place:
    if not isinstance(pair, list) or len(pair) != 2 or any(type(part) is not int or not 0 <= part < 2**63 for part in pair):
        raise ValueError("not a place")
    return Place(*pair)
