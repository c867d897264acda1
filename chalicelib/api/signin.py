"""Signing in in a browser: the way to a provider and back, and what those need who verify our tokens."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from chalicelib.api.browsers import SESSION, SIGN_IN, new_cookie, read_cookie
from chalicelib.api.callers import limit
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.identity.signin_rules import CALLBACK
from chalicelib.platform.errors import (
    NotFound,
    ProviderRefused,
    ProviderUnavailable,
    RateLimited,
    SecretsUnavailable,
    SignInRefused,
)
from chalicelib.platform.late import late

if TYPE_CHECKING:
    from chalicelib.identity import schemas as identity_shapes
    from chalicelib.identity import service as identity
    from chalicelib.identity import signin_schemas as signin_shapes
else:
    identity = late("chalicelib.identity.service")
    identity_shapes = late("chalicelib.identity.schemas")
    signin_shapes = late("chalicelib.identity.signin_schemas")


sign_in_routes = Resource("sign-in")
PER_MINUTE = 60
"""Sign-ins that one address may begin or finish in a minute, and devices it may announce: an office shares an address."""

KEPT_SECONDS = 300
"""How long verifiers may keep our keys: shorter than a key is published before it signs."""

_AWAY = (RateLimited, ProviderUnavailable, SecretsUnavailable)


@sign_in_routes.route("GET", "/.well-known/jwks.json", public=True, answer=None, errors=(SecretsUnavailable,))
def get_jwks(call: AnyCall) -> Answer:
    """Read the public keys that access tokens are verified with (RFC 7517)."""
    return Answer(text=json.dumps(call.world.keys.jwks()), headers={"Cache-Control": f"public, max-age={KEPT_SECONDS}"})


@sign_in_routes.route("GET", "/v1/auth/providers", public=True, answer=identity_shapes.ProvidersView, errors=_AWAY)
def list_providers(call: AnyCall) -> identity_shapes.ProvidersView:
    """List the providers that people sign in with."""
    limit(call, "sign-in", PER_MINUTE)
    return identity_shapes.ProvidersView(
        items=tuple(identity_shapes.ProviderView(name=each.name, title=each.title) for each in call.world.providers.all())
    )


@sign_in_routes.route(
    "GET",
    "/v1/auth/login",
    public=True,
    page=True,
    query=signin_shapes.LoginQuery,
    answer=None,
    status=302,
    errors=(NotFound, ProviderRefused, *_AWAY),
)
def begin_login(call: AnyCall) -> Answer:
    """Send a browser to a provider to sign in."""
    limit(call, "sign-in", PER_MINUTE)
    begun = identity.begin_sign_in(
        call.query.provider,
        call.query.next,
        read_cookie(call, SIGN_IN),
        issuer=call.world.settings.issuer,
        providers=call.world.providers,
        now=call.now,
    )
    return Answer(location=begun.address, cookies=(new_cookie(call, SIGN_IN, begun.binding),))


@sign_in_routes.route(
    "GET",
    CALLBACK,
    public=True,
    page=True,
    query=signin_shapes.CallbackQuery,
    answer=None,
    status=302,
    errors=(SignInRefused, ProviderRefused, *_AWAY),
)
def finish_login(call: AnyCall) -> Answer:
    """Take a browser back from a provider, signed in."""
    limit(call, "sign-in", PER_MINUTE)
    asked = call.query
    returned = identity.Returned(asked.state, asked.code, asked.error, asked.iss, read_cookie(call, SIGN_IN))
    world = call.world
    profile, then = identity.finish_sign_in(
        returned, issuer=world.settings.issuer, providers=world.providers, now=call.now, make_id=world.make_id
    )
    cookie = identity.open_browser(profile.id, call.now, world.make_id)
    return Answer(location=then, cookies=(new_cookie(call, SESSION, cookie),))
