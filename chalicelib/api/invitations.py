"""Invitations: making and withdrawing them, and what whoever holds a link does with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.identity_views import invitation_view, issued_invitation, my_team_view, offer_view
from chalicelib.api.routes import AnyCall, Resource
from chalicelib.platform.errors import Conflict, KeyReused, LostRace, NotFound, QuotaExceeded
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.identity import schemas as shapes
    from chalicelib.identity import service as identity
else:
    identity = late("chalicelib.identity.service")
    shapes = late("chalicelib.identity.schemas")


invitation_routes = Resource("invitations")
INVITATIONS = "/v1/team/invitations"


@invitation_routes.route(
    "POST",
    INVITATIONS,
    body=shapes.NewInvitation,
    answer=shapes.IssuedInvitation,
    status=201,
    errors=(Conflict, KeyReused, QuotaExceeded, LostRace),
)
def create_invitation(call: AnyCall) -> shapes.IssuedInvitation:
    """Invite somebody by a link, which is shown once and makes whoever opens it a member."""
    wanted = call.body
    made = identity.create_invitation(
        call.who,
        shapes.grant_of(wanted.role, wanted.scopes),
        invitation=call.world.new_id("inv"),
        note=wanted.note,
        hours=wanted.expires_in_hours,
        settings=call.world.settings,
        now=call.now,
        once=call.once,
    )
    return issued_invitation(made)


@invitation_routes.route("GET", INVITATIONS, query=PageQuery, answer=shapes.InvitationPage)
def list_invitations(call: AnyCall) -> shapes.InvitationPage:
    """List the invitations that may still be accepted, the oldest first."""
    found, after = identity.list_invitations(call.who, call.now, cursor=call.query.cursor, limit=call.query.limit)
    return shapes.InvitationPage(items=tuple(invitation_view(each) for each in found), next_cursor=after)


@invitation_routes.route("DELETE", INVITATIONS + "/{invitation}", answer=None, status=204, errors=(NotFound,))
def revoke_invitation(call: AnyCall) -> None:
    """Withdraw an invitation."""
    identity.revoke_invitation(call.who, call.path["invitation"])


@invitation_routes.route(
    "POST", "/v1/invitations/show", body=shapes.InvitationToken, answer=shapes.OfferView, errors=(NotFound,)
)
def get_invitation(call: AnyCall) -> shapes.OfferView:
    """Read what an invitation offers."""
    return offer_view(identity.get_offer(call.body.token, call.world.settings, call.now))


@invitation_routes.route(
    "POST",
    "/v1/invitations/accept",
    body=shapes.InvitationToken,
    answer=shapes.MyTeamView,
    status=201,
    errors=(NotFound, Conflict, QuotaExceeded, LostRace),
)
def accept_invitation(call: AnyCall) -> shapes.MyTeamView:
    """Accept an invitation, which makes the caller a member of its team."""
    return my_team_view(identity.accept_invitation(call.who, call.body.token, settings=call.world.settings, now=call.now))
