"""Whether the API lives, what it offers, and who the caller is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from chalicelib.api.routes import AnyCall, Resource
from chalicelib.platform.errors import RegionPassive, Throttled
from chalicelib.platform.late import late
from chalicelib.platform.schema import Output

if TYPE_CHECKING:
    from chalicelib.identity import schemas as shapes
else:
    shapes = late("chalicelib.identity.schemas")


health = Resource("health")
VERSION = "0.1.0"


class HealthView(Output):
    """The API answers."""

    status: str
    version: str


class ReadyView(Output):
    """The API answers, acts, and reaches its records."""

    status: str
    region: str = Field(description="Region that answers.")


@health.route("GET", "/v1/health", public=True, answer=HealthView, anywhere=True)
def get_health(_call: AnyCall) -> HealthView:
    """Whether the API lives."""
    return HealthView(status="ok", version=VERSION)


@health.route("GET", "/v1/ready", public=True, answer=ReadyView, errors=(Throttled, RegionPassive), anywhere=True)
def get_readiness(call: AnyCall) -> ReadyView:
    """Whether this region acts and its records answer: what leads traffic here."""
    call.world.duty.require_ready()
    return ReadyView(status="ready", region=call.world.settings.own_region)


@health.route("GET", "/v1/openapi.json", public=True, answer=None, anywhere=True)
def get_openapi(_call: AnyCall) -> dict[str, Any]:
    """This API as an OpenAPI 3.1 document."""
    from chalicelib.api.openapi import document
    from chalicelib.api.resources import RESOURCES

    return document(RESOURCES)


@health.route("GET", "/v1/whoami", answer=shapes.WhoamiView)
def whoami(call: AnyCall) -> shapes.WhoamiView:
    """Who the credential belongs to."""
    who = call.who
    return shapes.WhoamiView(
        subject=who.subject,
        kind=who.kind.value,
        name=who.name,
        team=who.team,
        role=who.grant.role.value if who.grant else "",
        scopes=shapes.scope_views(who.grant),
    )
