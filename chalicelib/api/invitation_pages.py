"""The page that an invitation's link opens, where whoever is signed in in a browser may accept it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.browsers import csrf_of, refuse_strange_form, signed_in, visitor_of
from chalicelib.api.callers import asked_by, limit
from chalicelib.api.pages import joined_page, offer_page, paste_invitation_page, stranger_invitation_page
from chalicelib.api.routes import FORM, Answer, AnyCall, Resource
from chalicelib.api.signin import PER_MINUTE
from chalicelib.identity.principal import Kind
from chalicelib.identity.signin_rules import INVITATION_PAGE
from chalicelib.platform.errors import (
    Conflict,
    Forbidden,
    LostRace,
    NotFound,
    QuotaExceeded,
    RateLimited,
    SecretsUnavailable,
    Unauthenticated,
    WrongRegion,
)
from chalicelib.platform.late import late

if TYPE_CHECKING:
    from chalicelib.identity import service as identity
    from chalicelib.identity import signin_schemas as shapes
else:
    identity = late("chalicelib.identity.service")
    shapes = late("chalicelib.identity.signin_schemas")


invitation_page_routes = Resource("invitation-pages")


@invitation_page_routes.route(
    "GET", INVITATION_PAGE, public=True, page=True, answer=None, errors=(RateLimited, SecretsUnavailable)
)
def show_invitation_page(call: AnyCall) -> Answer:
    """Show the page that an invitation's link opens."""
    limit(call, "pages", PER_MINUTE)
    who = visitor_of(call)
    if who is None:
        return Answer(text=stranger_invitation_page(call.world.providers.all()))
    return Answer(text=paste_invitation_page(who, csrf_of(who)))


@invitation_page_routes.route(
    "POST",
    INVITATION_PAGE + "/answer",
    public=True,
    page=True,
    body=shapes.InvitationAnswer,
    answer=None,
    takes=(FORM,),
    errors=(Unauthenticated, Forbidden, NotFound, Conflict, QuotaExceeded, LostRace, RateLimited, WrongRegion),
)
def answer_invitation(call: AnyCall) -> Answer:
    """Show what an invitation offers, or accept it, as the page's form asks."""
    limit(call, "pages", PER_MINUTE)
    who, wanted, settings = signed_in(call), call.body, call.world.settings
    refuse_strange_form(call, who, wanted.csrf)
    if wanted.answer == "look":
        offer = identity.get_offer(wanted.token, settings, call.now)
        return Answer(text=offer_page(who, offer, wanted.token, csrf_of(who)))
    trail = asked_by(call).trail("", who.user, Kind.USER, "accept_invitation", f"invitations/accept/{who.user}")
    person = identity.person_of(who, trail)
    return Answer(text=joined_page(identity.accept_invitation(person, wanted.token, settings=settings, now=call.now)))
