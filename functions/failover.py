"""What an operator runs to have the other region of a pair act."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalicelib.platform import duty
from chalicelib.platform.clock import utc_now
from chalicelib.platform.duty_rules import Refusal, next_term, present
from chalicelib.platform.errors import Conflict
from chalicelib.platform.settings import settings
from functions.catalog import FUNCTIONS

TASKS = ("cygni-deploy-", "cygni-build-", "cygni-rollout-", "cygni-sweep", "cygni-reconcile", "cygni-remove-")
LONGEST = timedelta(seconds=max(each.timeout for each in FUNCTIONS if each.name.startswith(TASKS))) + duty.KEPT
"""The time that a task which was begun in one region may still work on what the other is to take over."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Takes `to`, by default this region, and `lost`: whether the other is known to be gone. Running it again changes nothing.

    Answers which region acts and from when on. The relieved region is told first. Raises Conflict with what to do when the
    other does not answer and is not said to be lost, and LostRace.
    """
    known, now = settings(), utc_now()
    copies = duty.read(known)
    term = next_term(
        present((copies.here, copies.there), known.region),
        str(event.get("to") or known.own_region),
        (known.own_region, known.other_region),
        now,
        answers=copies.answers,
        lost=event.get("lost") is True,
        longest=LONGEST,
    )
    if isinstance(term, Refusal):
        raise Conflict(term.reason, remedy=term.remedy)
    relieved_is_there = term.region == known.own_region
    for there in (True, False) if relieved_is_there else (False, True):
        if not there or copies.answers:
            duty.write(term, known, there=there)
    return {"acts": term.region, "term": term.number, "since": term.since.isoformat(), "both_told": copies.answers}
