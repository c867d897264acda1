"""Whether this process's region acts: the terms of `duty_rules`, kept in a small table of each region.

The tables are two, not one global table: each is read and written by itself, so that no copying decides which term holds. An
installation of one region has neither, and asks nobody.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.platform.aws import config
from chalicelib.platform.clock import Clock, utc_now
from chalicelib.platform.duty_rules import Standing, Term, present, standing
from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.errors import LostRace, RegionPassive
from chalicelib.platform.logs import log
from chalicelib.platform.settings import Settings, settings
from chalicelib.platform.table import TABLE as RECORDS
from chalicelib.platform.table import store_errors

TABLE = "cygni-regions"
_KEY = {"pk": {"S": "REGIONS"}, "sk": {"S": "TERM"}}
AWAY = "the other region does not answer"
"""What is logged when its copy cannot be read: an alarm counts it."""
_NOBODYS = {"pk": {"S": "READY"}, "sk": {"S": "READY"}}
"""A key of the records' table that nothing has: reading it says that the table answers, and shows nothing."""
_FRESH = timedelta(seconds=5)
"""For how long an answer of the records' table counts: whoever asks more often costs no more."""
KEPT = timedelta(seconds=10)
"""For how long a process trusts what it read: within it, a relieved region may still begin something."""


@dataclass(slots=True)
class Copies:
    """The copies of the term: this region's, and the other's if it answers."""

    here: Term | None
    there: Term | None
    answers: bool


@dataclass(slots=True)
class Duty:
    """Asks for the term at most every ten seconds; `require` raises where this region does not act."""

    settings: Settings
    clock: Clock = utc_now
    _known: tuple[Term, datetime] | None = None
    _answered: datetime | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def require(self) -> None:
        """Raises RegionPassive unless this region acts now. Raises Throttled when it cannot be told."""
        if not self.settings.other_region:
            return
        term, now = self.term(), self.clock()
        found = standing(term, self.settings.own_region, now)
        if found is Standing.WAITING:
            left = max(1, round((term.since - now).total_seconds()))
            raise RegionPassive(f"{term.region} takes over in {left} s, when what was begun elsewhere is over.")
        if found is Standing.PASSIVE:
            raise RegionPassive(f"This is {self.settings.own_region}; {term.region} acts.")

    def require_ready(self) -> None:
        """The same, and raises Throttled unless the records answered within the last few seconds."""
        self.require()
        now = self.clock()
        if self._answered is None or not now - _FRESH < self._answered <= now:
            with store_errors():
                dynamodb().get_item(TableName=RECORDS, Key=_NOBODYS, ConsistentRead=True)
            self._answered = now

    def term(self) -> Term:
        """The term that holds, as known within the last ten seconds."""
        now = self.clock()
        with self._lock:
            if self._known is None or not now - KEPT < self._known[1] <= now:
                copies = read(self.settings)
                self._known = present((copies.here, copies.there), self.settings.region), now
            return self._known[0]


@cache
def duty() -> Duty:
    """This process's."""
    return Duty(settings())


def read(known: Settings) -> Copies:
    """Both copies. Raises Throttled when this region's own cannot be read."""
    with store_errors():
        here = dynamodb().get_item(TableName=TABLE, Key=_KEY, ConsistentRead=True)
    try:
        there = _other(known.other_region, known.other_endpoint).get_item(TableName=TABLE, Key=_KEY, ConsistentRead=True)
    except (BotoCoreError, ClientError):
        log().warning(AWAY)
        return Copies(_term(here), None, answers=False)
    return Copies(_term(here), _term(there), answers=True)


def write(term: Term, known: Settings, *, there: bool) -> None:
    """Writes a term into this region's table, or the other's. One that is there already is no error.

    Raises LostRace when a term of that number or a higher one was written meanwhile, and Throttled.
    """
    door = _other(known.other_region, known.other_endpoint) if there else dynamodb()
    cells = {"number": {"N": str(term.number)}, "region": {"S": term.region}, "since": {"S": term.since.isoformat()}}
    try:
        with store_errors():
            door.put_item(
                TableName=TABLE,
                Item={**_KEY, **cells},
                ConditionExpression="attribute_not_exists(#n) OR #n < :n OR (#n = :n AND #r = :r AND #s = :s)",
                ExpressionAttributeNames={"#n": "number", "#r": "region", "#s": "since"},
                ExpressionAttributeValues={":n": cells["number"], ":r": cells["region"], ":s": cells["since"]},
            )
    except LostRace:
        raise LostRace(
            "Somebody else moved the work at the same moment.", remedy="Look which region acts, then decide."
        ) from None


def _term(answer: dict[str, Any]) -> Term | None:
    cells = answer.get("Item")
    if not cells:
        return None
    return Term(int(cells["number"]["N"]), datetime.fromisoformat(cells["since"]["S"]).astimezone(UTC), cells["region"]["S"])


@cache
def _other(region: str, endpoint: str) -> Any:
    """The other region's client. It is impatient: who asks has a request in hand, and can go on without the answer."""
    from botocore.session import get_session

    more = {"endpoint_url": endpoint} if endpoint else {}
    return get_session().create_client("dynamodb", region_name=region, config=config(2, 3, tries=1), **more)
