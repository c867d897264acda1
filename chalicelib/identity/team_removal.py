"""Deleting a team: its keys, trusts, invitations and members, then the team itself.

A team that fits in one transaction ends in one. A larger one loses its credentials first, then its members, and its record
last, so that whoever is interrupted can do it again; the counters of the team say whether somebody came in meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from pynamodb.attributes import NumberAttribute
from pynamodb.expressions.condition import Condition

from chalicelib.identity.memberships import ending_membership
from chalicelib.identity.models_people import user_pk
from chalicelib.identity.models_teams import (
    INVITATIONS,
    KEYS,
    MEMBERS,
    TEAM,
    TRUSTS,
    USAGE,
    InvitationRecord,
    KeyRecord,
    MemberRecord,
    TeamRecord,
    TrustRecord,
    UsageRecord,
    team_pk,
)
from chalicelib.identity.principal import Principal
from chalicelib.identity.rules import Role
from chalicelib.identity.teams import usage_place
from chalicelib.identity.usage import Usage, give_back
from chalicelib.platform.errors import Conflict
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Notes, Store
from chalicelib.platform.table import ConditionFailed, Record, Remove, Write

_AT_ONCE = 25
"""Things that end in one commit: a member takes three writes, and a transaction holds a hundred."""


@dataclass(frozen=True, slots=True)
class _End:
    """One thing that ends with the team: its writes, the counters it leaves, and whose access tokens end."""

    writes: tuple[Write, ...]
    counts: tuple[str, ...] = ()
    revoked: tuple[str, ...] = ()


def delete_team(who: Principal, *, settings: Settings, now: datetime) -> None:
    """Deletes the caller's team. Raises Conflict while it has projects or clusters, and when somebody came in meanwhile."""
    end_team(who.store, who.team, settings=settings, now=now)


def end_team(store: Store, team: str, *, settings: Settings, now: datetime) -> None:
    """Deletes a team through a store of it. Raises Conflict as `delete_team` does. Its audit trail stays until it expires."""
    has = Usage.from_record(store.fetch(*usage_place(team)))
    for noun, number in (("project", has.projects), ("cluster", has.clusters)):
        if number:
            raise Conflict(f"The team still has {number} {noun}{'s' * (number > 1)}.", remedy=f"Delete its {noun}s first.")
    ends, people = _ends(store, team, settings, now)
    wide = store.also(*(user_pk(each) for each in people))
    last_from = max(0, len(ends) - _AT_ONCE)
    try:
        for start in range(0, last_from, _AT_ONCE):
            some = ends[start : min(start + _AT_ONCE, last_from)]
            counted = {name: _count(some, name) for name in ("keys", "trusts", "members", "owners") if _count(some, name)}
            wide.commit([*_writes(some), *([give_back(team, **counted)] if counted else [])], _notes(some))
        last = ends[last_from:]
        wide.commit([*_writes(last), *_rest(team, last)], _notes(ends))
    except ConditionFailed as lost:
        raise Conflict("The team changed while it was being deleted.", remedy="Try again.") from lost


def _ends(store: Store, team: str, settings: Settings, now: datetime) -> tuple[list[_End], list[str]]:
    """All that ends with a team, credentials first and Owners last, and its people."""
    pk = team_pk(team)
    ends = [_End((_gone(each),), ("keys",), (each.id,)) for each in store.every(KeyRecord, pk, KEYS)]
    ends += [_End((_gone(each),), ("trusts",), (each.id,)) for each in store.every(TrustRecord, pk, TRUSTS)]
    ends += [_End((_gone(each),)) for each in store.every(InvitationRecord, pk, INVITATIONS)]
    members = sorted(store.every(MemberRecord, pk, MEMBERS), key=lambda each: each.grant.role.rank)
    for each in members:
        counts = ("members", "owners") if each.grant.role is Role.OWNER else ("members",)
        ends.append(_End(tuple(ending_membership(each, settings, now)[:3]), counts, (each.id,)))
    return ends, [each.id for each in members]


def _rest(team: str, last: Sequence[_End]) -> list[Write]:
    """The end of the team's own records, on the condition that nothing is counted but what ends with it."""
    condition = _counted(UsageRecord.projects, 0) & _counted(UsageRecord.clusters, 0)
    for name in ("keys", "trusts", "members"):
        condition &= _counted(getattr(UsageRecord, name), _count(last, name))
    return [Remove(UsageRecord, team_pk(team), USAGE, condition), Remove(TeamRecord, team_pk(team), TEAM)]


def _counted(attribute: NumberAttribute, number: int) -> Condition:
    equal: Condition = attribute == number
    return equal if number else equal | attribute.does_not_exist()


def _count(ends: Sequence[_End], name: str) -> int:
    return sum(name in each.counts for each in ends)


def _writes(ends: Sequence[_End]) -> Iterator[Write]:
    for each in ends:
        yield from each.writes


def _notes(ends: Sequence[_End]) -> Notes:
    return Notes(revoked=tuple(subject for each in ends for subject in each.revoked))


def _gone(record: Record) -> Remove:
    return Remove(type(record), str(record.pk), str(record.sk), type(record).pk.exists())
