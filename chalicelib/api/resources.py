"""Every resource of the API, in the order the OpenAPI document shows them."""

from __future__ import annotations

from chalicelib.api.apikeys import api_key_routes
from chalicelib.api.audit import audit_routes
from chalicelib.api.clusters import cluster_routes
from chalicelib.api.deployments import deployment_routes, release_routes
from chalicelib.api.devices import device_routes
from chalicelib.api.evidence import evidence_routes
from chalicelib.api.health import health
from chalicelib.api.invitation_pages import invitation_page_routes
from chalicelib.api.invitations import invitation_routes
from chalicelib.api.me import me_routes
from chalicelib.api.members import member_routes
from chalicelib.api.projects import environment_routes, project_routes
from chalicelib.api.services import service_routes
from chalicelib.api.signin import sign_in_routes
from chalicelib.api.sources import app_file_routes, source_routes
from chalicelib.api.teams import team_routes
from chalicelib.api.tokens import token_routes
from chalicelib.api.trusts import trust_routes

RESOURCES = (
    health,
    sign_in_routes,
    device_routes,
    token_routes,
    project_routes,
    environment_routes,
    service_routes,
    cluster_routes,
    source_routes,
    deployment_routes,
    evidence_routes,
    release_routes,
    app_file_routes,
    team_routes,
    member_routes,
    invitation_routes,
    invitation_page_routes,
    api_key_routes,
    trust_routes,
    me_routes,
    audit_routes,
)
