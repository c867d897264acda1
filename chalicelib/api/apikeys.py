"""API keys of a team."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from chalicelib.api.identity_views import api_key_view, issued_api_key
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.identity import service as identity
from chalicelib.platform.errors import Conflict, KeyReused, LostRace, NotFound, QuotaExceeded
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.identity import machine_schemas as shapes
else:
    shapes = late("chalicelib.identity.machine_schemas")


api_key_routes = Resource("API keys")
KEYS = "/v1/team/keys"


@api_key_routes.route(
    "POST",
    KEYS,
    body=shapes.NewApiKey,
    answer=shapes.IssuedApiKey,
    status=201,
    errors=(Conflict, KeyReused, QuotaExceeded, LostRace),
)
def create_api_key(call: AnyCall) -> Answer:
    """Create an API key for a machine; the key is shown once."""
    wanted = call.body
    made = identity.create_api_key(
        call.who,
        wanted.name,
        wanted.grant,
        key=call.world.new_id("key"),
        days=wanted.expires_in_days,
        settings=call.world.settings,
        now=call.now,
        once=call.once,
    )
    return Answer(issued_api_key(made), version=made.version)


@api_key_routes.route("GET", KEYS, query=PageQuery, answer=shapes.ApiKeyPage)
def list_api_keys(call: AnyCall) -> shapes.ApiKeyPage:
    """List the team's API keys, the oldest first."""
    found, after = identity.list_api_keys(call.who, call.now, cursor=call.query.cursor, limit=call.query.limit)
    return shapes.ApiKeyPage(items=tuple(api_key_view(each) for each in found), next_cursor=after)


@api_key_routes.route(
    "POST",
    KEYS + "/{key}/rotate",
    body=shapes.RotateApiKey,
    answer=shapes.IssuedApiKey,
    errors=(NotFound, Conflict, KeyReused, LostRace),
)
def rotate_api_key(call: AnyCall) -> Answer:
    """Give an API key a new secret, which is shown once; the one it had stays valid for a while."""
    overlap = timedelta(hours=call.body.overlap_hours)
    rotated = identity.rotate_api_key(call.who, call.path["key"], overlap=overlap, now=call.now, once=call.once)
    return Answer(issued_api_key(rotated), version=rotated.version)


@api_key_routes.route("DELETE", KEYS + "/{key}", answer=None, status=204, errors=(NotFound,))
def revoke_api_key(call: AnyCall) -> None:
    """Delete an API key; no request with it is admitted from then on."""
    identity.revoke_api_key(call.who, call.path["key"])
