"""Signing in a device (RFC 8628): its request, and the page where a person approves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.browsers import SESSION, csrf_of, no_cookie, refuse_strange_form, signed_in, visitor_of
from chalicelib.api.callers import asked_by, limit
from chalicelib.api.pages import approve_page, choose_provider_page, decided_page, enter_code_page
from chalicelib.api.routes import FORM, JSON, Answer, AnyCall, Resource
from chalicelib.api.signin import PER_MINUTE
from chalicelib.identity.device_rules import LIFE, read_user_code
from chalicelib.identity.signin_rules import DEVICE_PAGE, device_page
from chalicelib.platform.errors import Conflict, Forbidden, NotFound, RateLimited, Unauthenticated
from chalicelib.platform.late import late

if TYPE_CHECKING:
    from chalicelib.identity import schemas as identity_shapes
    from chalicelib.identity import service as identity
    from chalicelib.identity import signin_schemas as signin_shapes
else:
    identity = late("chalicelib.identity.service")
    identity_shapes = late("chalicelib.identity.schemas")
    signin_shapes = late("chalicelib.identity.signin_schemas")


device_routes = Resource("devices")
TRIES_PER_MINUTE = 10
"""Codes that somebody may try in a minute, in one browser; from one address, three times as many."""


@device_routes.route(
    "POST",
    "/v1/auth/device",
    public=True,
    body=identity_shapes.NewDevice,
    answer=identity_shapes.DeviceView,
    takes=(JSON, FORM),
    oauth=True,
    errors=(RateLimited,),
)
def create_device(call: AnyCall) -> identity_shapes.DeviceView:
    """Begin to sign in a device: it shows a code, which a person approves in a browser (RFC 8628)."""
    limit(call, "sign-in", PER_MINUTE)
    settings = call.world.settings
    started = identity.start_device(
        client=call.body.client_id,
        device_name=call.body.device_name,
        source=call.sender.source,
        interval=settings.device_interval,
        now=call.now,
    )
    return identity_shapes.DeviceView(
        device_code=started.device_code,
        user_code=started.user_code,
        verification_uri=settings.issuer + DEVICE_PAGE,
        verification_uri_complete=settings.issuer + device_page(started.user_code),
        expires_in=int(LIFE.total_seconds()),
        interval=started.interval,
    )


@device_routes.route(
    "GET",
    "/v1/auth/device",
    public=True,
    page=True,
    query=signin_shapes.DeviceQuery,
    answer=None,
    errors=(NotFound, RateLimited),
)
def show_device(call: AnyCall) -> Answer:
    """Show the page where a person approves a device."""
    limit(call, "pages", PER_MINUTE)
    who = visitor_of(call)
    if who is None:
        return Answer(text=_sign_in_first(call, call.query.user_code))
    if not call.query.user_code:
        return Answer(text=enter_code_page(who))
    _limit_tries(call, who)
    device = identity.find_device(call.query.user_code, call.now)
    return Answer(text=approve_page(who, device, csrf_of(who), call.now))


@device_routes.route(
    "POST",
    "/v1/auth/device/decision",
    public=True,
    page=True,
    body=signin_shapes.Decision,
    answer=None,
    takes=(FORM,),
    errors=(Unauthenticated, Forbidden, NotFound, Conflict, RateLimited),
)
def decide_device(call: AnyCall) -> Answer:
    """Approve or deny a device, as the page's form asks."""
    limit(call, "pages", PER_MINUTE)
    who, wanted = signed_in(call), call.body
    refuse_strange_form(call, who, wanted.csrf)
    if wanted.decision == "leave":
        identity.end_session(who.user, who.session, "logout", asked_by(call))
        return Answer(text=_sign_in_first(call, wanted.user_code), cookies=(no_cookie(call, SESSION),))
    _limit_tries(call, who)
    approved = wanted.decision == "approve"
    return Answer(
        text=decided_page(identity.decide_device(wanted.user_code, who.user, approve=approved, now=call.now), approved=approved)
    )


def _sign_in_first(call: AnyCall, typed: str | None) -> str:
    """The choice of providers; the code is kept on the way, and not looked up for a stranger."""
    code = read_user_code(typed or "")
    sentence = "Sign in to approve the device that shows this code." if code else "Sign in to approve a device."
    then = device_page(code) if code else DEVICE_PAGE
    return choose_provider_page("Sign in to Cygni", sentence, call.world.providers.all(), then)


def _limit_tries(call: AnyCall, who: identity.Visitor) -> None:
    """25 billion codes, of which a few wait: at these rates nobody finds one in the ten minutes that it lives."""
    limit(call, "code", TRIES_PER_MINUTE, who.session)
    limit(call, "code", 3 * TRIES_PER_MINUTE)
