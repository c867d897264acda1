"""Tokens: the endpoint that issues them, and the ends of a session."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from chalicelib.api.callers import asked_by, limit
from chalicelib.api.routes import FORM, JSON, AnyCall, Resource
from chalicelib.identity.principal import Kind, Principal
from chalicelib.platform.errors import (
    Conflict,
    NotFound,
    ProviderUnavailable,
    RateLimited,
    SecretsUnavailable,
    TooLarge,
    WrongRegion,
)
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.identity import schemas as identity_shapes
    from chalicelib.identity import service as identity
    from chalicelib.identity import signin_schemas as signin_shapes
else:
    identity = late("chalicelib.identity.service")
    identity_shapes = late("chalicelib.identity.schemas")
    signin_shapes = late("chalicelib.identity.signin_schemas")


token_routes = Resource("tokens")
PER_MINUTE = 300
"""Requests of the token endpoint from one address in a minute: devices that wait ask every few seconds."""

EXCHANGED = "urn:ietf:params:oauth:token-type:access_token"


@token_routes.route(
    "POST",
    "/v1/auth/token",
    public=True,
    body=identity_shapes.TokenRequest,
    answer=identity_shapes.TokenView,
    takes=(FORM, JSON),
    oauth=True,
    errors=(WrongRegion, TooLarge, RateLimited, ProviderUnavailable, SecretsUnavailable),
)
def issue_token(call: AnyCall) -> identity_shapes.TokenView:
    """Get tokens for a refresh token, an approved device, or the token of a CI job (RFC 6749, 8628, 8693)."""
    from chalicelib.identity.minting import EXPIRES_IN

    limit(call, "token", PER_MINUTE)
    issued = identity.issue_tokens(call.body, asked_by(call), _issuing(call))
    return identity_shapes.TokenView(
        access_token=issued.access_token,
        expires_in=EXPIRES_IN,
        refresh_token=issued.refresh_token,
        team=issued.team,
        issued_token_type=EXCHANGED if call.body.subject_token else None,
    )


@token_routes.route(
    "POST",
    "/v1/auth/revoke",
    public=True,
    body=signin_shapes.RevokeRequest,
    answer=None,
    takes=(FORM, JSON),
    oauth=True,
    errors=(RateLimited, SecretsUnavailable),
)
def revoke_token(call: AnyCall) -> dict[str, str]:
    """End the session that a token belongs to (RFC 7009); a token that is none of ours is answered alike."""
    limit(call, "token", PER_MINUTE)
    identity.revoke_token(call.body.token, asked_by(call), _issuing(call))
    return {}


@token_routes.route("POST", "/v1/auth/logout", answer=None, status=204, errors=(Conflict,))
def logout(call: AnyCall) -> None:
    """Sign out: end the session of the access token that this is asked with."""
    who = call.who
    if not who.session:
        remedy = "Revoke the API key, or let the token of a job expire."
        raise Conflict("This credential belongs to no session that could be ended.", remedy=remedy)
    with suppress(NotFound):  # whoever signs out twice is signed out
        identity.end_session(who.subject, who.session, "logout", asked_by(call))


@token_routes.route("GET", "/v1/me/sessions", query=PageQuery, answer=identity_shapes.SessionPage)
def list_sessions(call: AnyCall) -> identity_shapes.SessionPage:
    """List where you are signed in, newest first."""
    who = call.who
    if who.kind is not Kind.USER:
        return identity_shapes.SessionPage(items=())
    found, after = identity.list_sessions(who.subject, call.now, cursor=call.query.cursor, limit=call.query.limit)
    return identity_shapes.SessionPage(items=tuple(_view(each, who) for each in found), next_cursor=after)


@token_routes.route("DELETE", "/v1/me/sessions/{session}", answer=None, status=204, errors=(NotFound,))
def revoke_session(call: AnyCall) -> None:
    """End one of your sessions."""
    identity.end_session(call.who.subject, call.path["session"], "revoke_session", asked_by(call))


def _view(each: identity.Session, who: Principal) -> identity_shapes.SessionView:
    return identity_shapes.SessionView(
        id=each.id,
        client=each.client,
        device_name=each.device_name,
        created_at=each.created_at,
        last_used_at=each.used_at,
        current=each.id == who.session,
    )


def _issuing(call: AnyCall) -> identity.Issuing:
    world = call.world
    return identity.Issuing(world.settings, world.keys, world.providers, world.make_id)
