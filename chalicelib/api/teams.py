"""Teams: one's own, the one that a credential is for, and giving it to somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.identity_views import member_view, my_team_view, team_view
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.platform.errors import (
    Conflict,
    KeyReused,
    LostRace,
    NotFound,
    QuotaExceeded,
    StaleVersion,
)
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.identity import schemas as shapes
    from chalicelib.identity import service as identity
else:
    identity = late("chalicelib.identity.service")
    shapes = late("chalicelib.identity.schemas")


team_routes = Resource("teams")


@team_routes.route(
    "POST",
    "/v1/teams",
    body=shapes.NewTeam,
    answer=shapes.TeamView,
    status=201,
    errors=(QuotaExceeded, KeyReused, LostRace),
)
def create_team(call: AnyCall) -> Answer:
    """Create a team; whoever creates it is its Owner."""
    settings, new = call.world.settings, call.world.new_id("team")
    made = identity.create_team(
        call.who, call.body.name, team=new, region=call.body.region, settings=settings, now=call.now, once=call.once
    )
    return Answer(team_view(made, settings), version=made.version)


@team_routes.route("GET", "/v1/teams", query=PageQuery, answer=shapes.MyTeams)
def list_teams(call: AnyCall) -> shapes.MyTeams:
    """List the teams that the caller is in, the oldest first."""
    found, after = identity.list_teams(call.who, call.world.settings, cursor=call.query.cursor, limit=call.query.limit)
    return shapes.MyTeams(items=tuple(my_team_view(each) for each in found), next_cursor=after)


@team_routes.route("GET", "/v1/team", answer=shapes.TeamView, errors=(NotFound,))
def get_team(call: AnyCall) -> Answer:
    """Read the team that the credential is for, with what it has and may have."""
    found = identity.get_team(call.who, call.world.settings)
    return Answer(team_view(found, call.world.settings), version=found.version)


@team_routes.route(
    "PUT",
    "/v1/team",
    body=shapes.ChangeTeam,
    answer=shapes.TeamView,
    updates=True,
    errors=(NotFound, StaleVersion),
)
def change_team(call: AnyCall) -> Answer:
    """Change the team's name, and how long lines of its audit trail are kept from now on."""
    settings, retention = call.world.settings, call.body.audit_retention_days
    changed = identity.change_team(
        call.who, call.body.name, retention=retention, version=call.seen_version(), settings=settings
    )
    return Answer(team_view(changed, settings), version=changed.version)


@team_routes.route("DELETE", "/v1/team", answer=None, status=204, errors=(Conflict,))
def delete_team(call: AnyCall) -> None:
    """Delete the team, with its members, keys, trusts and invitations; it must have no projects."""
    identity.delete_team(call.who, settings=call.world.settings, now=call.now)


@team_routes.route(
    "POST",
    "/v1/team/transfer",
    body=shapes.TransferTeam,
    answer=shapes.MemberView,
    errors=(NotFound, Conflict, LostRace),
)
def transfer_team(call: AnyCall) -> Answer:
    """Make a member an Owner of the team; the caller becomes an Admin."""
    owner = identity.transfer_team(call.who, call.body.user, call.world.settings)
    return Answer(member_view(owner), version=owner.version)


@team_routes.route("POST", "/v1/team/leave", answer=None, status=204, errors=(NotFound, Conflict, LostRace))
def leave_team(call: AnyCall) -> None:
    """Leave the team that the token is for; its last Owner cannot."""
    identity.leave_team(call.who, settings=call.world.settings, now=call.now)
