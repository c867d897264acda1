"""Members of a team."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.identity_views import member_view
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.platform.errors import Conflict, LostRace, NotFound, StaleVersion
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.identity import schemas as shapes
    from chalicelib.identity import service as identity
else:
    identity = late("chalicelib.identity.service")
    shapes = late("chalicelib.identity.schemas")


member_routes = Resource("members")
MEMBER = "/v1/team/members/{member}"


@member_routes.route("GET", "/v1/team/members", query=PageQuery, answer=shapes.MemberPage)
def list_members(call: AnyCall) -> shapes.MemberPage:
    """List the team's members."""
    found, after = identity.list_members(call.who, cursor=call.query.cursor, limit=call.query.limit)
    return shapes.MemberPage(items=tuple(member_view(each) for each in found), next_cursor=after)


@member_routes.route(
    "PUT",
    MEMBER,
    body=shapes.ChangeMember,
    answer=shapes.MemberView,
    updates=True,
    errors=(NotFound, Conflict, StaleVersion, LostRace),
)
def change_member(call: AnyCall) -> Answer:
    """Give a member another role; access tokens of before change nothing from then on. If-Match is optional."""
    wanted = shapes.grant_of(call.body.role, call.body.scopes)
    identity.check(wanted)
    changed = identity.change_member(call.who, call.path["member"], wanted, version=call.if_match, settings=call.world.settings)
    return Answer(member_view(changed), version=changed.version)


@member_routes.route("DELETE", MEMBER, answer=None, status=204, errors=(NotFound, Conflict, LostRace))
def remove_member(call: AnyCall) -> None:
    """Take a member out of the team; their access tokens change nothing in it from then on."""
    identity.remove_member(call.who, call.path["member"], settings=call.world.settings, now=call.now)
