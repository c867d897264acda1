"""A person's own data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.identity_views import export_view
from chalicelib.api.routes import AnyCall, Resource
from chalicelib.platform.errors import Conflict, LostRace
from chalicelib.platform.late import late

if TYPE_CHECKING:
    from chalicelib.identity import privacy_schemas as shapes
    from chalicelib.identity import service as identity
else:
    identity = late("chalicelib.identity.service")
    shapes = late("chalicelib.identity.privacy_schemas")


me_routes = Resource("me")


@me_routes.route("GET", "/v1/me/export", query=shapes.ExportQuery, answer=shapes.ExportView)
def export_me(call: AnyCall) -> shapes.ExportView:
    """Export all that is kept of the caller."""
    return export_view(identity.export_person(call.who, cursor=call.query.cursor))


@me_routes.route("DELETE", "/v1/me", answer=None, status=204, errors=(Conflict, LostRace))
def erase_me(call: AnyCall) -> None:
    """Erase the caller: memberships, sign-ins, profile. Refused where a team would be left without an Owner."""
    world = call.world
    identity.erase_person(call.who, settings=world.settings, functions=world.functions, now=call.now)
