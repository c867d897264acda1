"""Projects and environments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.api.views import environment_view, project_view
from chalicelib.platform.errors import Conflict, KeyReused, LostRace, NotFound, QuotaExceeded, StaleVersion
from chalicelib.platform.late import late
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.projects import schemas as shapes
    from chalicelib.projects import service as projects
else:
    projects = late("chalicelib.projects.service")
    shapes = late("chalicelib.projects.schemas")


project_routes = Resource("projects")
environment_routes = Resource("environments")
PROJECT = "/v1/projects/{project}"
ENVIRONMENT = PROJECT + "/environments/{environment}"


@project_routes.route(
    "POST",
    "/v1/projects",
    body=shapes.NewProject,
    answer=shapes.ProjectView,
    status=201,
    errors=(Conflict, KeyReused, QuotaExceeded),
)
def create_project(call: AnyCall) -> Answer:
    """Create a project; it begins with the environment `prod`."""
    settings = call.world.settings
    made = projects.create_project(
        call.who, call.body.name, description=call.body.description, settings=settings, now=call.now, once=call.once
    )
    return Answer(project_view(made), version=made.version, location=f"/v1/projects/{made.name}")


@project_routes.route("GET", "/v1/projects", query=PageQuery, answer=shapes.ProjectPage)
def list_projects(call: AnyCall) -> shapes.ProjectPage:
    """List the team's projects by name."""
    found, after = projects.list_projects(call.who, cursor=call.query.cursor, limit=call.query.limit)
    return shapes.ProjectPage(items=tuple(project_view(each) for each in found), next_cursor=after)


@project_routes.route("GET", PROJECT, answer=shapes.ProjectView, errors=(NotFound,))
def get_project(call: AnyCall) -> Answer:
    """Read a project."""
    found = projects.get_project(call.who, call.path["project"])
    return Answer(project_view(found), version=found.version)


@project_routes.route(
    "PUT",
    PROJECT,
    body=shapes.Describe,
    answer=shapes.ProjectView,
    updates=True,
    errors=(NotFound, StaleVersion),
)
def describe_project(call: AnyCall) -> Answer:
    """Change a project's description."""
    changed = projects.describe_project(
        call.who, call.path["project"], description=call.body.description, version=call.seen_version()
    )
    return Answer(project_view(changed), version=changed.version)


@project_routes.route("DELETE", PROJECT, answer=None, status=204, errors=(NotFound, Conflict))
def delete_project(call: AnyCall) -> None:
    """Delete a project without services."""
    projects.delete_project(call.who, call.path["project"])


def _kind_wanted(call: AnyCall) -> projects.EnvironmentKind:
    kind: projects.EnvironmentKind = call.body.kind or projects.kind_of(call.body.name)
    return kind


@environment_routes.route(
    "POST",
    PROJECT + "/environments",
    body=shapes.NewEnvironment,
    answer=shapes.EnvironmentView,
    status=201,
    kind=_kind_wanted,
    errors=(NotFound, Conflict, KeyReused, QuotaExceeded),
)
def create_environment(call: AnyCall) -> Answer:
    """Create an environment."""
    project = call.path["project"]
    made = projects.create_environment(
        call.who,
        project,
        call.body.name,
        kind=_kind_wanted(call),
        description=call.body.description,
        settings=call.world.settings,
        now=call.now,
        once=call.once,
    )
    return Answer(environment_view(made), made.version, f"/v1/projects/{project}/environments/{made.name}")


@environment_routes.route(
    "GET",
    PROJECT + "/environments",
    query=PageQuery,
    answer=shapes.EnvironmentPage,
    errors=(NotFound,),
)
def list_environments(call: AnyCall) -> shapes.EnvironmentPage:
    """List a project's environments by name."""
    found, after = projects.list_environments(call.who, call.path["project"], cursor=call.query.cursor, limit=call.query.limit)
    return shapes.EnvironmentPage(items=tuple(environment_view(each) for each in found), next_cursor=after)


@environment_routes.route("GET", ENVIRONMENT, answer=shapes.EnvironmentView, errors=(NotFound,))
def get_environment(call: AnyCall) -> Answer:
    """Read an environment."""
    found = projects.get_environment(call.who, call.path["project"], call.path["environment"])
    return Answer(environment_view(found), version=found.version)


@environment_routes.route(
    "PUT",
    ENVIRONMENT,
    body=shapes.Describe,
    answer=shapes.EnvironmentView,
    updates=True,
    errors=(NotFound, StaleVersion),
)
def describe_environment(call: AnyCall) -> Answer:
    """Change an environment's description."""
    changed = projects.describe_environment(
        call.who,
        call.path["project"],
        call.path["environment"],
        description=call.body.description,
        version=call.seen_version(),
    )
    return Answer(environment_view(changed), version=changed.version)


@environment_routes.route(
    "POST",
    ENVIRONMENT + "/freezes",
    body=shapes.NewFreeze,
    answer=shapes.EnvironmentView,
    errors=(NotFound, Conflict, LostRace),
)
def freeze_environment(call: AnyCall) -> Answer:
    """Add a time in which no release of the environment begins."""
    freeze = projects.new_freeze(call.body.begins, call.body.until, call.body.reason, call.now)
    changed = projects.freeze_environment(call.who, call.path["project"], call.path["environment"], freeze, call.now)
    return Answer(environment_view(changed), version=changed.version)


@environment_routes.route("DELETE", ENVIRONMENT + "/freezes", answer=shapes.EnvironmentView, errors=(NotFound, LostRace))
def thaw_environment(call: AnyCall) -> Answer:
    """Lift all freezes of the environment."""
    changed = projects.thaw_environment(call.who, call.path["project"], call.path["environment"])
    return Answer(environment_view(changed), version=changed.version)


@environment_routes.route("DELETE", ENVIRONMENT, answer=None, status=204, errors=(NotFound, Conflict))
def delete_environment(call: AnyCall) -> None:
    """Delete an environment without services."""
    projects.delete_environment(call.who, call.path["project"], call.path["environment"])
