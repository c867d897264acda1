"""Which of two regions acts, and who acts after a failover. Pure.

1. A term says which region acts, from when on; terms are numbered. Of the copies that can be read, the highest number holds:
   so a region that comes back learns from the other's copy that it is relieved, whatever its own copy says.
2. A region acts only in its own term and not before the term begins. Where no term was ever written, the home region acts.
3. While both regions answer, a new term begins only when what the relieved region had begun is over: at no moment do two act.
4. A region that does not answer is relieved only by somebody who says that it is lost; the new term begins at once then. If it
   is not lost but cut off, it acts on until it can read the other's copy: that is the price of not waiting for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import Enum

from chalicelib.platform.frozen import dataclass

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, order=True)
class Term:
    """One region's time of acting, from `since` on, until a term of a higher number is known."""

    number: int
    since: datetime
    region: str


class Standing(Enum):
    """What a region does at a moment."""

    ACTIVE = "active"
    WAITING = "waiting"
    PASSIVE = "passive"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why no term begins, and what to do."""

    reason: str
    remedy: str


def present(copies: Iterable[Term | None], home: str) -> Term:
    """The term that holds, of all copies that could be read."""
    known = [each for each in copies if each is not None]
    return max(known, default=Term(0, BEGINNING, home))


def standing(term: Term, here: str, now: datetime) -> Standing:
    """What the region `here` does now."""
    if term.region != here:
        return Standing.PASSIVE
    return Standing.ACTIVE if now >= term.since else Standing.WAITING


def next_term(
    term: Term, to: str, regions: tuple[str, str], now: datetime, *, answers: bool, lost: bool, longest: timedelta
) -> Term | Refusal:
    """The term in which `to` acts: the present one if it is that already.

    `answers` says whether the other region's copy could be read, `lost` that somebody knows it to be gone, and work that was
    begun in the present term may take `longest`.
    """
    if to not in regions:
        return Refusal(f"{to or 'No region'} is none of {regions[0]} and {regions[1]}.", f"Name {regions[0]} or {regions[1]}.")
    if term.region == to:
        return term
    if answers:
        return Term(term.number + 1, now + longest, to)
    if lost:
        return Term(term.number + 1, now, to)
    remedy = 'Try again when it answers; if it is lost, say so ("lost": true): what it acknowledged last may be gone.'
    return Refusal(f"{term.region} acts and does not answer, so it cannot be told to stop.", remedy)
