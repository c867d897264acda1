"""Where a person stands: the team that an access token speaks for, and what the person may do there."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.identity.models_people import user_pk
from chalicelib.identity.models_teams import MEMBERS, TEAM, TEAMS, MemberRecord, MembershipRecord, TeamRecord, team_pk
from chalicelib.identity.regions import is_served
from chalicelib.identity.rules import Grant
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store, team_store

LOOKED_AT = 20
"""Teams of a person that are looked at for one to begin with."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A team, where its data lives, and the grant there; all empty for a person without a team."""

    team: str = ""
    region: str = ""
    grant: Grant | None = None


NOWHERE = Standing()


def standing_in(user: str, team: str) -> Standing | None:
    """Where a person stands in a team: None for a stranger, and where there is no such team."""
    pk = team_pk(team)
    found, member = team_store(team).asking().together((TeamRecord, pk, TEAM), (MemberRecord, pk, MEMBERS + user))
    return None if found is None or member is None else Standing(team, found.region, member.grant)


def first_standing(user: str, settings: Settings) -> Standing:
    """Where a person stands in the oldest of their teams that this installation serves; NOWHERE without one."""
    pk = user_pk(user)
    teams, _ = Store((pk,)).page(MembershipRecord, pk, TEAMS, cursor=None, limit=LOOKED_AT)
    for each in teams:
        found = standing_in(user, each.team)
        if found is not None and is_served(settings, found.region):
            return found
    return NOWHERE
