"""What is written when somebody joins a team, and when a membership ends: for the commits of those who decide on it."""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.identity.membership_rules import owners_less
from chalicelib.identity.models_people import PROFILE, UserRecord, user_pk
from chalicelib.identity.models_teams import (
    MEMBERS,
    PAST_TEAMS,
    TEAMS,
    USAGE,
    MemberRecord,
    MembershipRecord,
    PastTeamRecord,
    UsageRecord,
    team_pk,
)
from chalicelib.identity.rules import Grant, Role
from chalicelib.identity.usage import room_for
from chalicelib.platform.errors import Conflict, QuotaExceeded, Unauthenticated
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.settings import Settings
from chalicelib.platform.table import Count, Place, Put, Remove, Write

LONGEST_RETENTION = 730
"""Days that a team may have its audit trail kept."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who joins a team, as what, and by which invitation of whom; a founder comes without one."""

    user: str
    profile: UserRecord
    grant: Grant
    invitation: str = ""
    invited_by: str = ""


def profile_place(user: str) -> Place[UserRecord]:
    """Where a person's profile is."""
    return UserRecord, user_pk(user), PROFILE


def member_place(team: str, user: str) -> Place[MemberRecord]:
    """Where a team's member is."""
    return MemberRecord, team_pk(team), MEMBERS + user


def known(profile: UserRecord | None) -> UserRecord:
    """The profile of somebody who is signed in. Raises Unauthenticated for one who was erased since."""
    if profile is None:
        raise Unauthenticated("Nobody is known here by this sign-in any more.", remedy="Sign in again: `cygni login`.")
    return profile


def joining(team: str, who: Newcomer, settings: Settings, now: datetime) -> list[Write]:
    """The writes of somebody who joins; `refusal_to_join` tells what it means when one of them loses."""
    owners = int(who.grant.role is Role.OWNER)
    member = MemberRecord(team_pk(team), MEMBERS + who.user, name=who.profile.name, email=who.profile.email, joined_at=now)
    member.invitation, member.invited_by = who.invitation, who.invited_by
    member.take(who.grant)
    entry = MembershipRecord(user_pk(who.user), TEAMS + team, joined_at=now, founded=not who.invitation)
    counted = room_for(team, settings, members=1, **({"owners": 1} if owners else {}))
    return [Put(member), Put(entry), Remove(PastTeamRecord, user_pk(who.user), PAST_TEAMS + team), counted.write]


def refusal_to_join(team: str, failed: frozenset[int], settings: Settings) -> Conflict | QuotaExceeded | None:
    """What to raise when of the writes of `joining` these lost; None when it was none of them."""
    if failed & {0, 1}:
        return Conflict("You are a member of this team already.", remedy="Choose it with `cygni team switch`.")
    return room_for(team, settings, members=1).refusal() if 3 in failed else None


def ending_membership(member: MemberRecord, settings: Settings, now: datetime) -> list[Write]:
    """The writes that end a membership: the first loses when the member was changed, the last when no Owner would be left."""
    user, days = member.id, max(LONGEST_RETENTION, settings.audit_retention) + 1
    past = PastTeamRecord(user_pk(user), PAST_TEAMS + member.team, left_at=now, expires_at=now + timedelta(days=days))
    return [
        Remove(MemberRecord, str(member.pk), str(member.sk), MemberRecord.version == int(member.version or 0)),
        Remove(MembershipRecord, user_pk(user), TEAMS + member.team),
        Put(past),
        fewer(member.team, settings, members=1, owners=owners_less(member.grant, None)),
    ]


def fewer(team: str, settings: Settings, *, members: int = 0, owners: int = 0) -> Write:
    """The write that counts members and Owners down (or, with negative numbers, up), and loses when no Owner would be left.

    The installation's own team always has one: whoever holds the operator's key.
    """
    less = {"members": members, "owners": owners}
    least = 0 if team == settings.admin_team else 1
    add = {name: -number for name, number in less.items() if number}
    at_least = {"owners": least} if owners > 0 else {}
    return Count(UsageRecord, team_pk(team), USAGE, add=add, at_least=at_least)


def last_owner() -> Conflict:
    """What to say to whoever would leave a team without an Owner."""
    remedy = "Make another member an Owner first (`cygni team transfer`), or delete the team."
    return Conflict("A team keeps at least one Owner.", remedy=remedy)
