"""Whether an audit trail holds. Pure, and written from what the trail promises, not from what the API would say of itself.

A line's digest is the SHA-256, in hex, of the canonical JSON (members by name, no spaces, UTF-8) of `COVERED` and the team.
Each line holds the digest of the one before it; the first holds 64 zeros. Where a request came from can be erased: the digest
covers a seal of it, the first 32 hex digits of SHA-256 over salt, a zero byte and the address.

Lines expire. A line that is not there is missing, unless the one after it says that it has expired by now.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cygni.cli.errors import Usage
from cygni.cli.identity_shapes import Head, Line

GENESIS = "0" * 64
COVERED = (
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
    "expires",
    "previous_expires",
    "previous",
)
_NOTED = re.compile(r"([1-9][0-9]{0,14}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Mark:
    """A line's number and digest: what one notes down, to see later that nothing before it was rewritten."""

    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where the trail does not hold: the number of the line, and what is wrong."""

    seq: int
    sentence: str


@dataclass(slots=True)
class Finding:
    """What came of looking at a trail: how many lines, from which to which, and every fault, the newest line's first."""

    head: Mark
    lines: int = 0
    oldest: int | None = None
    newest: int | None = None
    expired: int = 0
    faults: list[Fault] = field(default_factory=list)


def mark_of(text: str) -> Mark:
    """The mark that somebody noted, as SEQ:DIGEST. Raises Usage."""
    match = _NOTED.fullmatch(text.strip().lower())
    if match is None:
        raise Usage(f"{text!r} is no head of an audit trail.", remedy="Give what `cygni audit verify` printed: SEQ:DIGEST.")
    return Mark(int(match[1]), match[2])


def digest_of(team: str, line: Line) -> str:
    """What a line's digest should be."""
    said = {"team": team, **{name: line[name] for name in COVERED}}  # type: ignore[literal-required]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def seal_of(source: str, salt: str) -> str:
    """What the trail holds of where a request came from."""
    return hashlib.sha256(f"{salt}\0{source}".encode()).hexdigest()[:32]


def examine(head: Head, lines: Iterable[Line], *, now: float, expected: Mark | None = None) -> Finding:
    """Looks at a whole trail, newest line first; `head` was read before it, and lines that came since may be among them.

    `now` is in Unix seconds. With `expected` that line must be there with that digest.
    """
    found = Finding(Mark(head["seq"], head["digest"]))
    marks = {head["seq"]: head["digest"]}
    after: Line | None = None
    seen: Mark | None = None
    for line in lines:
        found.faults += _line_faults(head["team"], line)
        found.faults += _link_faults(line, after, found, now)
        if line["seq"] in marks and line["digest"] != marks[line["seq"]]:
            found.faults.append(Fault(line["seq"], "The line is not the one that the team's record names as its newest."))
        if expected is not None and line["seq"] == expected.seq:
            seen = Mark(line["seq"], line["digest"])
        found.newest = found.newest or line["seq"]
        found.oldest, found.lines, after = line["seq"], found.lines + 1, line
    found.faults += _ends(head, after, found, now)
    if expected is not None:
        found.faults += _expected(expected, seen, after, found)
    return found


def _line_faults(team: str, line: Line) -> Iterator[Fault]:
    if digest_of(team, line) != line["digest"]:
        yield Fault(line["seq"], "The line was altered: its digest does not match what it says.")
    if line["source"] and seal_of(line["source"], line["salt"]) != line["seal"]:
        yield Fault(line["seq"], "Where the request came from was altered.")


def _link_faults(line: Line, after: Line | None, found: Finding, now: float) -> Iterator[Fault]:
    """Whether the line stands where it should before the one after it, which was looked at already."""
    if after is None:
        return
    if line["seq"] >= after["seq"]:
        yield Fault(line["seq"], f"The line stands before line {after['seq']}, where an older one belongs.")
    elif line["seq"] == after["seq"] - 1:
        if after["previous"] != line["digest"]:
            yield Fault(after["seq"], f"The line does not follow from line {line['seq']} before it.")
    elif after["previous_expires"] <= now:
        found.expired += after["seq"] - line["seq"] - 1
    else:
        yield Fault(line["seq"] + 1, _missing(line["seq"] + 1, after["seq"] - 1))


def _ends(head: Head, oldest: Line | None, found: Finding, now: float) -> Iterator[Fault]:
    if oldest is None:
        if head["seq"]:
            yield Fault(1, f"All {head['seq']} lines are missing.")
        return
    if (found.newest or 0) < head["seq"]:
        yield Fault((found.newest or 0) + 1, _missing((found.newest or 0) + 1, head["seq"]))
    if oldest["seq"] == 1 and oldest["previous"] != GENESIS:
        yield Fault(1, "The first line names a line before it.")
    if oldest["seq"] > 1:
        if oldest["previous_expires"] > now:
            yield Fault(oldest["seq"] - 1, f"Line {oldest['seq'] - 1} is missing, though it has not expired.")
        found.expired += oldest["seq"] - 1


def _expected(expected: Mark, seen: Mark | None, oldest: Line | None, found: Finding) -> Iterator[Fault]:
    if seen is None and oldest is not None and oldest["seq"] == expected.seq + 1:
        seen = Mark(expected.seq, oldest["previous"])  # it has expired, but the line after it still names it
    if seen == expected:
        return
    if seen is not None:
        yield Fault(expected.seq, f"The line is not the one that was noted: its digest is {seen.digest}.")
    elif expected.seq > found.head.seq:
        yield Fault(expected.seq, f"The trail ends at line {found.head.seq}, before the line that was noted.")
    else:
        yield Fault(
            expected.seq, "The line that was noted is no longer there, so nothing can be said of it; note a newer head."
        )


def _missing(first: int, last: int) -> str:
    return f"Line {first} is missing." if first == last else f"Lines {first} to {last} are missing."
