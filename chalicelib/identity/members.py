"""Members of a team: who they are, what they may do, and how a membership ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.membership_rules import Refusal, owners_less, refuse_change, refuse_removal
from chalicelib.identity.memberships import ending_membership, fewer, last_owner, member_place
from chalicelib.identity.models_people import user_pk
from chalicelib.identity.models_teams import MEMBERS, TEAMS, MemberRecord, MembershipRecord, team_pk
from chalicelib.identity.principal import Principal
from chalicelib.identity.rules import Grant, Role
from chalicelib.platform.errors import Conflict, Forbidden, LostRace, NotFound, StaleVersion
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Notes, Store
from chalicelib.platform.table import ConditionFailed, Put, Write

TRIES = 5
"""Times that a change is decided anew when somebody else was first."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a team."""

    user: str
    name: str
    email: str
    grant: Grant
    joined_at: datetime
    version: int


def list_members(who: Principal, *, cursor: str | None, limit: int) -> tuple[list[Member], str | None]:
    """A page of the team's members, those who have an account for longest first."""
    found, after = who.store.page(MemberRecord, team_pk(who.team), MEMBERS, cursor=cursor, limit=limit)
    return [_member(record) for record in found], after


def change_member(who: Principal, user: str, wanted: Grant, *, version: int | None, settings: Settings) -> Member:
    """Gives a member another grant; access tokens of before change nothing from then on.

    `version` is the one the caller saw, if they say so. Raises NotFound, StaleVersion, Forbidden for a grant that is not the
    caller's to give or to take, Conflict when no Owner would be left, and LostRace.
    """
    for _ in range(TRIES):
        record = _load(who.store, who.team, user)
        if version is not None and record.version != version:
            raise StaleVersion(f"The newest version is {record.version}, not {version}.")
        _may(refuse_change(_giver(who), record.grant, wanted))
        if record.grant == wanted:
            return _member(record)
        writes = _regranted(who.team, record, wanted, settings)
        if _committed(who.store, writes, 1, user):
            return _member(record)
    raise _busy()


def transfer_team(who: Principal, user: str, settings: Settings) -> Member:
    """Makes a member an Owner, and the caller an Admin, in one commit. Raises NotFound, Conflict, LostRace."""
    if user == who.subject:
        raise Conflict("You own this team already.", remedy="Name another member.")
    for _ in range(TRIES):
        record, own = who.store.together(member_place(who.team, user), member_place(who.team, who.subject))
        if record is None:
            raise _absent()
        before, owner = record.grant, Grant(Role.OWNER)
        record.take(owner)
        writes: list[Write] = [Put(record)]
        less = owners_less(before, owner)
        if own is not None:
            less += owners_less(own.grant, Grant(Role.ADMIN))
            own.take(Grant(Role.ADMIN))
            writes.append(Put(own))
        counted = [fewer(who.team, settings, owners=less)] if less else []
        if _committed(who.store, [*writes, *counted], len(writes), user, who.subject):
            return _member(record)
    raise _busy()


def remove_member(who: Principal, user: str, *, settings: Settings, now: datetime) -> None:
    """Ends somebody's membership, or the caller's own. Raises NotFound, Forbidden, Conflict for the last Owner, LostRace."""
    store = who.store.also(user_pk(user))
    for _ in range(TRIES):
        record = _load(store, who.team, user)
        _may(refuse_removal(_giver(who), record.grant))
        if _committed(store, ending_membership(record, settings, now), 3, user):
            return
    raise _busy()


def leave_team(who: Principal, *, settings: Settings, now: datetime) -> None:
    """Ends the caller's membership in the team of their token. Raises NotFound, Conflict for the last Owner, LostRace."""
    user = who.person()
    if not who.team:
        raise Forbidden("You have not chosen a team.", remedy="Choose the one to leave with `cygni team switch`.")
    end_own_membership(who, user, who.team, settings=settings, now=now)


def end_own_membership(who: Principal, user: str, team: str, *, settings: Settings, now: datetime) -> None:
    """Ends the caller's membership in any team of theirs. Raises NotFound, Conflict for the last Owner, LostRace."""
    store = who.store_in(team, user_pk(user))
    for _ in range(TRIES):
        record = _load(store, team, user)
        if _committed(store, ending_membership(record, settings, now), 3, user):
            return
    raise _busy()


def refresh_names(user: str, name: str, email: str) -> None:
    """Brings a person's name and address up to date in all their teams. Saying the same twice writes nothing."""
    pk, cursor = user_pk(user), None
    while True:
        teams, cursor = Store((pk,)).page(MembershipRecord, pk, TEAMS, cursor=cursor, limit=50)
        for each in teams:
            _rename(each.team, user, name, email)
        if cursor is None:
            return


def _rename(team: str, user: str, name: str, email: str) -> None:
    store = Store((team_pk(team),))
    for _ in range(TRIES):
        record = store.asking().fetch(*member_place(team, user))
        if record is None or (record.name, record.email) == (name, email):
            return
        record.name, record.email = name, email
        try:
            store.commit([Put(record)])
        except ConditionFailed:
            continue
        return


def _regranted(team: str, record: MemberRecord, wanted: Grant, settings: Settings) -> list[Write]:
    less = owners_less(record.grant, wanted)
    record.take(wanted)
    return [Put(record), *([fewer(team, settings, owners=less)] if less else [])]


def _committed(store: Store, writes: list[Write], counter: int, *revoked: str) -> bool:
    """False when a member was changed meanwhile. Raises Conflict when the counter at this position says: the last Owner."""
    try:
        store.commit(writes, Notes(revoked=revoked))
    except ConditionFailed as lost:
        if lost.failed == {counter}:
            raise last_owner() from lost
        return False
    return True


def _load(store: Store, team: str, user: str) -> MemberRecord:
    record = store.fetch(*member_place(team, user))
    if record is None:
        raise _absent()
    return record


def _giver(who: Principal) -> Grant:
    if who.grant is None:
        raise Forbidden("You have not chosen a team.")
    return who.grant


def _may(refused: Refusal | None) -> None:
    if refused is not None:
        raise Forbidden(refused.sentence, remedy=refused.remedy)


def _absent() -> NotFound:
    return NotFound("The team has no member of that id.", remedy="List the members to see their ids.")


def _busy() -> LostRace:
    return LostRace("This member is being changed too quickly just now.")


def _member(record: MemberRecord) -> Member:
    return Member(record.id, record.name, record.email, record.grant, record.joined_at, int(record.version or 0))
