"""Teams: founding one, its settings, and those that somebody is in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.identity.memberships import Newcomer, joining, known, member_place, profile_place
from chalicelib.identity.models_people import user_pk
from chalicelib.identity.models_teams import TEAM, TEAMS, USAGE, MembershipRecord, TeamRecord, UsageRecord, team_pk
from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.regions import addresses
from chalicelib.identity.rules import Grant, Role
from chalicelib.identity.usage import Usage
from chalicelib.platform import once as keys
from chalicelib.platform.errors import NotFound, QuotaExceeded, StaleVersion, WrongRegion
from chalicelib.platform.once import Once
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Notes, Store
from chalicelib.platform.table import ConditionFailed, Place, Put

OPERATORS = "operator"
"""Name of the installation's own team until somebody gives it another."""
_AT_ONCE = 50
"""Teams that are read together, with the person's part in each."""


@dataclass(frozen=True, slots=True)
class Team:
    """A team. `retention` is in days, None where the installation's setting holds; version 0 is not recorded yet."""

    id: str
    name: str
    region: str
    retention: int | None
    usage: Usage
    created_at: datetime | None
    version: int


@dataclass(frozen=True, slots=True)
class MyTeam:
    """A team that the caller is in. `current` says that requests with their credential are about it."""

    id: str
    name: str
    role: Role
    region: str
    current: bool


def create_team(
    who: Principal, name: str, *, team: str, region: str | None, settings: Settings, now: datetime, once: Once | None
) -> Team:
    """A new team with the caller as its Owner. Raises Forbidden for machines, WrongRegion, QuotaExceeded, KeyReused."""
    user = who.person()
    _refuse_elsewhere(region, settings)
    store = who.store_in(team, user_pk(user))
    profile = known(store.asking().fetch(*profile_place(user)))
    _refuse_too_many(store.asking(), user, settings)
    record = TeamRecord(team_pk(team), TEAM, name=name, region=settings.region, created_at=now)
    founder = Newcomer(user, profile, Grant(Role.OWNER))
    try:
        store.commit([Put(record), *joining(team, founder, settings, now), *keys.writes(once, team)])
    except ConditionFailed:
        made = keys.seen(store, once)
        if made is None:
            raise
        return _team(made, *_records(who.store_in(made), made), settings)
    return replace(_team(team, record, None, settings), usage=Usage(members=1, owners=1))


def get_team(who: Principal, settings: Settings) -> Team:
    """The team that the caller's credential is for. Raises NotFound when it is gone."""
    return _team(who.team, *_records(who.store, who.team), settings)


def change_team(who: Principal, name: str, *, retention: int | None, version: int, settings: Settings) -> Team:
    """Changes the name, and for how many days audit lines are kept from now on; None leaves that as it is.

    The installation's own team is recorded by its first change, whose version is 0. Raises NotFound, StaleVersion.
    """
    record, usage = _records(who.store, who.team)
    before = _team(who.team, record, usage, settings)
    if before.version != version:
        raise StaleVersion(f"The newest version is {before.version}, not {version}.")
    changed = record or TeamRecord(team_pk(who.team), TEAM, region=settings.region)
    changed.name, changed.retention = name, retention or changed.retention
    try:
        who.store.commit([Put(changed)], Notes(retention=retention))
    except ConditionFailed as lost:
        raise StaleVersion("It was changed at the same moment.") from lost
    return _team(who.team, changed, usage, settings)


def list_teams(who: Principal, settings: Settings, *, cursor: str | None, limit: int) -> tuple[list[MyTeam], str | None]:
    """A page of the caller's teams, the oldest first. A machine has the one that it works for."""
    if who.kind is not Kind.USER:
        team = get_team(who, settings)
        return [MyTeam(team.id, team.name, who.grant.role, team.region, True)] if who.grant else [], None
    pk = user_pk(who.subject)
    found, after = Store((pk,)).page(MembershipRecord, pk, TEAMS, cursor=cursor, limit=limit)
    mine: list[MyTeam] = []
    for start in range(0, len(found), _AT_ONCE):
        mine += _read(who, [each.team for each in found[start : start + _AT_ONCE]])
    return mine, after


def team_place(team: str) -> Place[TeamRecord]:
    """Where a team's record is."""
    return TeamRecord, team_pk(team), TEAM


def usage_place(team: str) -> Place[UsageRecord]:
    """Where a team's counters are."""
    return UsageRecord, team_pk(team), USAGE


def record_or_default(record: TeamRecord | None, team: str, settings: Settings) -> TeamRecord | None:
    """The record; for the installation's own team, which may not be recorded yet, one that can be saved."""
    if record is None and team == settings.admin_team:
        return TeamRecord(team_pk(team), TEAM, name=OPERATORS, region=settings.region)
    return record


def _records(store: Store, team: str) -> tuple[TeamRecord | None, UsageRecord | None]:
    record, usage = store.together(team_place(team), usage_place(team))
    return record, usage


def _team(team: str, record: TeamRecord | None, usage: UsageRecord | None, settings: Settings) -> Team:
    shown = record_or_default(record, team, settings)
    if shown is None:
        raise NotFound("There is no such team (any more).", remedy="Choose another with `cygni team switch`.")
    retention = None if shown.retention is None else int(shown.retention)
    version, counted = int(shown.version or 0), Usage.from_record(usage)
    return Team(team, shown.name, shown.region, retention, counted, shown.created_at, version)


def _read(who: Principal, teams: list[str]) -> list[MyTeam]:
    """What is recorded of these teams and of the caller in them; one that is gone meanwhile is left out."""
    places = [place for team in teams for place in (team_place(team), member_place(team, who.subject))]
    records = Store(tuple(team_pk(team) for team in teams)).asking().together(*places)
    pairs = zip(teams, records[::2], records[1::2], strict=True)
    return [
        MyTeam(team, record.name, member.grant.role, record.region, team == who.team)
        for team, record, member in pairs
        if record is not None and member is not None
    ]


def _refuse_elsewhere(region: str | None, settings: Settings) -> None:
    if region in (None, settings.region):
        return
    address = addresses(settings.regions).get(str(region))
    remedy = f"Create it at {address}." if address else "Ask the operator of this installation which regions there are."
    here = f"in {settings.region}" if settings.region else "in one region, which it does not name"
    raise WrongRegion(f"This address keeps teams {here}, not in {region}.", remedy=remedy)


def _refuse_too_many(store: Store, user: str, settings: Settings) -> None:
    found, _ = store.page(MembershipRecord, user_pk(user), TEAMS, cursor=None, limit=100)
    if sum(1 for each in found if each.founded) >= settings.quota_teams:
        remedy = "Delete one, or leave one to others (`cygni team transfer`, then `cygni team leave`)."
        raise QuotaExceeded(f"You have founded {settings.quota_teams} teams, which is as many as you may have.", remedy=remedy)
