"""Services, their config and their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.projects import ENVIRONMENT
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.api.views import config_view, service_view
from chalicelib.deployments import service as deployments
from chalicelib.platform.errors import ClusterUnavailable, Conflict, KeyReused, NotFound, QuotaExceeded, StaleVersion
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery
from chalicelib.projects import service as projects
from chalicelib.projects.service import ServiceKey

if TYPE_CHECKING:
    from chalicelib.deployments import schemas as deployments_shapes
    from chalicelib.projects import schemas as projects_shapes
else:
    deployments_shapes = late("chalicelib.deployments.schemas")
    projects_shapes = late("chalicelib.projects.schemas")


service_routes = Resource("services")
SERVICES = ENVIRONMENT + "/services"
SERVICE = SERVICES + "/{service}"


@service_routes.route(
    "POST",
    SERVICES,
    body=projects_shapes.NewService,
    answer=projects_shapes.ServiceView,
    status=201,
    errors=(NotFound, Conflict, KeyReused, QuotaExceeded),
)
def create_service(call: AnyCall) -> Answer:
    """Create a service."""
    key = ServiceKey(call.who.team, call.path["project"], call.path["environment"], call.body.name)
    settings = call.world.settings
    made = projects.create_service(
        call.who, key, description=call.body.description, settings=settings, now=call.now, once=call.once
    )
    location = f"/v1/projects/{key.project}/environments/{key.environment}/services/{key.service}"
    return Answer(service_view(made, settings), made.version, location)


@service_routes.route(
    "GET",
    SERVICES,
    query=PageQuery,
    answer=projects_shapes.ServicePage,
    errors=(NotFound,),
)
def list_services(call: AnyCall) -> projects_shapes.ServicePage:
    """List an environment's services by name."""
    found, after = projects.list_services(
        call.who, call.path["project"], call.path["environment"], cursor=call.query.cursor, limit=call.query.limit
    )
    items = tuple(service_view(each, call.world.settings) for each in found)
    return projects_shapes.ServicePage(items=items, next_cursor=after)


@service_routes.route("GET", SERVICE, answer=projects_shapes.ServiceView, errors=(NotFound,))
def get_service(call: AnyCall) -> Answer:
    """Read a service with its live release and its queue."""
    found = projects.get_service(call.who, call.service)
    return Answer(service_view(found, call.world.settings), version=found.version)


@service_routes.route(
    "PUT",
    SERVICE,
    body=projects_shapes.Describe,
    answer=projects_shapes.ServiceView,
    updates=True,
    errors=(NotFound, StaleVersion),
)
def describe_service(call: AnyCall) -> Answer:
    """Change a service's description."""
    changed = projects.describe_service(call.who, call.service, description=call.body.description, version=call.seen_version())
    return Answer(service_view(changed, call.world.settings), version=changed.version)


@service_routes.route(
    "DELETE",
    SERVICE,
    answer=projects_shapes.ServiceView,
    status=202,
    errors=(NotFound,),
)
def delete_service(call: AnyCall) -> Answer:
    """Delete a service: a deployment under way is aborted first, then what runs is removed, then what is recorded."""
    world = call.world
    left = deployments.delete_service(call.who, call.service, builders=world.builders, functions=world.functions, now=call.now)
    return Answer(service_view(left, world.settings), version=left.version)


@service_routes.route("GET", SERVICE + "/config", answer=projects_shapes.ConfigView, errors=(NotFound,))
def get_config(call: AnyCall) -> Answer:
    """Read a service's config variables."""
    found = projects.get_config(call.who, call.service)
    return Answer(config_view(found), version=found.number)


@service_routes.route(
    "PATCH",
    SERVICE + "/config",
    body=projects_shapes.ConfigChange,
    answer=projects_shapes.ConfigView,
    updates=True,
    errors=(NotFound, StaleVersion),
)
def change_config(call: AnyCall) -> Answer:
    """Set and remove config variables; they apply from the next deployment on. If-Match is optional."""
    changed = projects.change_config(
        call.who, call.service, values=call.body.set, unset=call.body.unset, version=call.if_match, now=call.now
    )
    return Answer(config_view(changed), version=changed.number)


@service_routes.route(
    "GET",
    SERVICE + "/logs",
    query=deployments_shapes.LogQuery,
    answer=deployments_shapes.LogView,
    errors=(NotFound, ClusterUnavailable),
)
def read_logs(call: AnyCall) -> deployments_shapes.LogView:
    """Read the log lines of a service's instances."""
    projects.get_service(call.who, call.service)
    asked = {"release": call.query.release, "cursor": call.query.cursor, "limit": call.query.limit}
    return deployments_shapes.LogView.model_validate(
        call.world.functions.call("cygni-logs", {**call.service.to_dict(), **asked})
    )
