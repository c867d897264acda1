"""A person's own data: all that is kept of them, and its erasure.

What others need to go on stays: a line of an audit trail says that somebody did something, by an id that nothing leads from to
a person once the profile is gone. Where they did it from is blanked in all teams they are or were in, by a function of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from chalicelib.audit.service import Filter, Linked, list_lines
from chalicelib.identity.members import end_own_membership
from chalicelib.identity.membership_rules import Ending, ending
from chalicelib.identity.memberships import member_place, profile_place
from chalicelib.identity.models_people import (
    LOGIN,
    PROFILE,
    SESSIONS,
    LoginRecord,
    SessionRecord,
    UserRecord,
    login_pk,
    user_pk,
)
from chalicelib.identity.models_teams import PAST_TEAMS, TEAMS, MemberRecord, MembershipRecord, PastTeamRecord, team_pk
from chalicelib.identity.principal import Principal
from chalicelib.identity.team_removal import end_team
from chalicelib.identity.teams import team_place, usage_place
from chalicelib.identity.usage import Usage
from chalicelib.platform.errors import Conflict, Malformed
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.opaque import decode_cursor, encode_cursor
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store
from chalicelib.platform.table import Item, Remove

ERASER = "cygni-erase-user"
"""The function that blanks where a person's requests came from in a team's audit trail."""
_LINES, _TEAMS_AT_ONCE, _AT_ONCE = 100, 10, 50
R = TypeVar("R", bound=Item)


@dataclass(frozen=True, slots=True)
class Data:
    """What is kept of a person, as it is stored. Pages after the first hold only `lines`."""

    user: str
    profile: UserRecord | None
    logins: tuple[LoginRecord, ...]
    members: tuple[MemberRecord, ...]
    past: tuple[PastTeamRecord, ...]
    sessions: tuple[SessionRecord, ...]
    lines: tuple[Linked, ...]
    cursor: str | None


def export_person(who: Principal, *, cursor: str | None) -> Data:
    """What is kept of the caller, and a page of what they did in the teams they are in. Raises Forbidden, Malformed."""
    user = who.person()
    teams = _teams(user)
    lines, after = _lines(user, teams, cursor)
    if cursor is not None:
        return Data(user, None, (), (), (), (), lines, after)
    store = Store((user_pk(user),))
    profile = store.fetch(*profile_place(user))
    members = tuple(found for team in teams if (found := Store((team_pk(team),)).asking().fetch(*member_place(team, user))))
    past = tuple(store.every(PastTeamRecord, user_pk(user), PAST_TEAMS))
    sessions = tuple(store.every(SessionRecord, user_pk(user), SESSIONS))
    return Data(user, profile, _logins(profile), members, past, sessions, lines, after)


def erase_person(who: Principal, *, settings: Settings, functions: Functions, now: datetime) -> None:
    """Erases the caller: memberships, sessions, logins, profile; what is theirs alone ends with them.

    Raises Conflict, before anything is erased, for a team that would be left without an Owner. Whoever is interrupted does it
    again: each step may run twice.
    """
    user = who.person()
    _refuse([_fate(user, team, settings) for team in _teams(user)])
    _leave_all(who, user, settings, functions, now)
    _forget(user)
    _leave_all(who, user, settings, functions, now)  # what began meanwhile; from here on nothing does
    _clear(Store((user_pk(user),)), PastTeamRecord, user, PAST_TEAMS)


def _leave_all(who: Principal, user: str, settings: Settings, functions: Functions, now: datetime) -> None:
    """Ends memberships and sessions, and has the trails of all teams that the person was in blanked."""
    for team in _teams(user):
        if _fate(user, team, settings).what is Ending.DELETE:
            end_team(who.store_in(team), team, settings=settings, now=now)
        else:
            end_own_membership(who, user, team, settings=settings, now=now)
    store = Store((user_pk(user),))
    _clear(store, SessionRecord, user, SESSIONS)
    for gone in store.every(PastTeamRecord, user_pk(user), PAST_TEAMS):
        functions.send(ERASER, {"team": gone.team, "user": user})


@dataclass(frozen=True, slots=True)
class _Fate:
    """What comes of a team, and what it is called."""

    what: Ending
    name: str


def _fate(user: str, team: str, settings: Settings) -> _Fate:
    if team == settings.admin_team:
        return _Fate(Ending.LEAVE, team)  # whoever holds the operator's key owns it, too
    store = Store((team_pk(team),)).asking()
    record, usage, member = store.together(team_place(team), usage_place(team), member_place(team, user))
    counted = Usage.from_record(usage)
    if record is None or member is None:
        return _Fate(Ending.LEAVE, team)
    found = ending(member.grant, owners=counted.owners, members=counted.members, projects=counted.projects)
    return _Fate(found, record.name)


def _refuse(fates: list[_Fate]) -> None:
    headless = [each.name for each in fates if each.what is Ending.HAS_MEMBERS]
    if headless:
        remedy = "Make another member an Owner (`cygni team transfer`), or delete the team, then erase yourself."
        raise Conflict(f"You are the last Owner of {', '.join(headless)}, which others are in.", remedy=remedy)
    loaded = [each.name for each in fates if each.what is Ending.HAS_PROJECTS]
    if loaded:
        remedy = "Delete the projects, or invite somebody and make them an Owner, then erase yourself."
        raise Conflict(f"You are the only member of {', '.join(loaded)}, which has projects.", remedy=remedy)


def _forget(user: str) -> None:
    """Removes the profile, with the logins that lead to it, in one commit: a login without a profile would let nobody in."""
    profile = Store((user_pk(user),)).fetch(*profile_place(user))
    keys = list(profile.logins) if profile is not None else []
    store = Store((user_pk(user), *(login_pk(key) for key in keys)))
    logins = [Remove(LoginRecord, login_pk(key), LOGIN) for key in keys]
    store.commit([Remove(UserRecord, user_pk(user), PROFILE), *logins])


def _logins(profile: UserRecord | None) -> tuple[LoginRecord, ...]:
    keys = list(profile.logins) if profile is not None else []
    found = (Store((login_pk(key),)).fetch(LoginRecord, login_pk(key), LOGIN) for key in keys)
    return tuple(each for each in found if each is not None)


def _lines(user: str, teams: list[str], cursor: str | None) -> tuple[tuple[Linked, ...], str | None]:
    """A page of what a person did: team after team, the newest first in each."""
    begin, inner = (teams[0] if teams else "", None) if cursor is None else _place(cursor)
    found: list[Linked] = []
    left = [team for team in teams if team >= begin]
    for number, team in enumerate(left):
        if number == _TEAMS_AT_ONCE or len(found) >= _LINES:
            return tuple(found), encode_cursor({"team": team})
        wanted = Filter(actor=user)
        page = list_lines(Store((team_pk(team),)), team, wanted, cursor=inner, limit=_LINES - len(found))
        found, inner = [*found, *page.items], None
        if page.cursor is not None:
            return tuple(found), encode_cursor({"team": team, "lines": page.cursor})
    return tuple(found), None


def _place(cursor: str) -> tuple[str, str | None]:
    place = decode_cursor(cursor)
    team, lines = place.get("team"), place.get("lines")
    if not isinstance(team, str) or not (lines is None or isinstance(lines, str)):
        raise Malformed("The cursor does not belong to an export.", remedy="Leave it out to begin again.")
    return team, lines


def _teams(user: str) -> list[str]:
    """The teams that a person is in, in the order of their ids."""
    return [each.team for each in Store((user_pk(user),)).every(MembershipRecord, user_pk(user), TEAMS)]


def _clear(store: Store, model: type[R], user: str, prefix: str) -> None:
    found = list(store.every(model, user_pk(user), prefix))
    for start in range(0, len(found), _AT_ONCE):
        store.commit([Remove(model, str(each.pk), str(each.sk)) for each in found[start : start + _AT_ONCE]])
