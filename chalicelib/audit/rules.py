"""The chain of a team's audit trail. Pure.

Invariants:
1. Lines are numbered from 1 without gaps, and each holds the digest of the one before it; the first holds `GENESIS`.
2. A line's digest is SHA-256 over the canonical JSON of all it says. So whoever alters a line, takes one out or puts one in
   has to rewrite all that follow, and the head that others have noted no longer matches.
3. Where from is personal data. The digest covers a salted seal of it, so that it can be erased and the chain still holds.
4. Lines expire by the team's retention. A trail that begins later than 1 is sound only if the line before has expired.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from enum import StrEnum

from chalicelib.platform.frozen import dataclass

GENESIS = "0" * 64
CHUNK = 500
"""Lines in one partition: a query costs with the size of its partition."""


class Outcome(StrEnum):
    """How what was asked for ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Line:
    """One line: who (`actor`, `actor_kind`) did what (`operation`) on what (`resource`), when, with which outcome.

    `before` and `after` are digests of the records that changed, empty when there was or is none. `code` says why a refused
    attempt was refused. `seal` hides where from. Times are ISO 8601 in UTC; `expires` and `previous_expires` are Unix seconds.
    """

    team: str
    seq: int
    at: str
    actor: str
    actor_kind: str
    operation: str
    resource: str
    outcome: str
    code: str
    request: str
    before: str
    after: str
    seal: str
    expires: int
    previous_expires: int
    previous: str


FIELDS = tuple(each.name for each in fields(Line))


def digest_of(line: Line) -> str:
    """SHA-256, in hex, of the line's canonical JSON: members sorted by name, no spaces, UTF-8."""
    text = json.dumps(asdict(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def seal_of(source: str, salt: str) -> str:
    """What the chain holds of where a request came from."""
    return hashlib.sha256(f"{salt}\0{source}".encode()).hexdigest()[:32]


def changes_digest(parts: Iterable[str]) -> str:
    """One digest of several records; the order of the records does not matter. Empty when there are none."""
    found = sorted(parts)
    return hashlib.sha256("\n".join(found).encode()).hexdigest()[:32] if found else ""


def chunk_of(seq: int) -> int:
    """The partition a line lies in."""
    return (seq - 1) // CHUNK


@dataclass(frozen=True, slots=True)
class Fault:
    """A place where the chain does not hold: the number of the line, and what is wrong."""

    seq: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A line with the digest that is stored beside it, and with where from, as far as that is still there."""

    line: Line
    digest: str
    source: str = ""
    salt: str = ""


def faults(lines: Sequence[Linked], *, head_seq: int, head_digest: str, now: datetime) -> list[Fault]:
    """Everything that is wrong with a whole trail, oldest line first; empty when it is sound.

    `head_seq` and `head_digest` are what the team's record says of the newest line.
    """
    found = _beginning(lines, head_seq, now)
    before: Linked | None = None
    for each in lines:
        found += _line_faults(each, before)
        before = each
    last = lines[-1] if lines else None
    newest, digest = (last.line.seq, last.digest) if last else (0, GENESIS)
    if last is not None and newest < head_seq:
        found.append(Fault(newest + 1, f"Lines {newest + 1} to {head_seq} are missing at the end."))
    elif last is not None and (newest, digest) != (head_seq, head_digest):
        found.append(Fault(newest, "The newest line is not the one that the team's record names."))
    return found


def _beginning(lines: Sequence[Linked], head_seq: int, now: datetime) -> list[Fault]:
    if not lines:
        return [Fault(1, f"All {head_seq} lines are missing.")] if head_seq else []
    first = lines[0].line
    if first.seq == 1 and first.previous != GENESIS:
        return [Fault(1, "The first line names a line before it.")]
    if first.seq > 1 and first.previous_expires > now.astimezone(UTC).timestamp():
        return [Fault(first.seq - 1, f"Line {first.seq - 1} is missing, though it has not expired.")]
    return []


def _line_faults(each: Linked, before: Linked | None) -> list[Fault]:
    line, found = each.line, []
    if digest_of(line) != each.digest:
        found.append(Fault(line.seq, "The line was altered: its digest does not match what it says."))
    if each.source and seal_of(each.source, each.salt) != line.seal:
        found.append(Fault(line.seq, "Where the request came from was altered."))
    if before is not None and line.seq != before.line.seq + 1:
        found.append(Fault(before.line.seq + 1, f"Lines {before.line.seq + 1} to {line.seq - 1} are missing."))
    elif before is not None and line.previous != before.digest:
        found.append(Fault(line.seq, "The line does not follow from the one before it."))
    return found
