"""Every resource of the API, in the order the OpenAPI document shows them."""

from __future__ import annotations

from chalicelib.api.audit import audit_routes
from chalicelib.api.deployments import deployment_routes, release_routes
from chalicelib.api.health import health
from chalicelib.api.projects import environment_routes, project_routes
from chalicelib.api.services import service_routes
from chalicelib.api.sources import app_file_routes, source_routes

RESOURCES = (
    health,
    project_routes,
    environment_routes,
    service_routes,
    source_routes,
    deployment_routes,
    release_routes,
    app_file_routes,
    audit_routes,
)
