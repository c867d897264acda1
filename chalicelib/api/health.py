"""Whether the API lives, what it offers, and who the caller is."""

from __future__ import annotations

from typing import Any

from chalicelib.api.routes import AnyCall, Resource
from chalicelib.platform.schema import Output

health = Resource("health")
VERSION = "0.1.0"


class HealthView(Output):
    """The API answers."""

    status: str
    version: str


class WhoamiView(Output):
    """The caller."""

    subject: str
    team: str
    permissions: list[str]


@health.route("GET", "/v1/health", public=True, answer=HealthView)
def get_health(_call: AnyCall) -> HealthView:
    """Whether the API lives."""
    return HealthView(status="ok", version=VERSION)


@health.route("GET", "/v1/openapi.json", public=True, answer=None)
def get_openapi(_call: AnyCall) -> dict[str, Any]:
    """This API as an OpenAPI 3.1 document."""
    from chalicelib.api.openapi import document
    from chalicelib.api.resources import RESOURCES

    return document(RESOURCES)


@health.route("GET", "/v1/whoami", permission="self:read", answer=WhoamiView)
def whoami(call: AnyCall) -> WhoamiView:
    """Who the credential belongs to."""
    return WhoamiView(subject=call.who.subject, team=call.who.team, permissions=sorted(call.who.permissions))
