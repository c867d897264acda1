"""Source archives, build plans and app files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalicelib.api.projects import PROJECT
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.api.views import plan_view, source_view
from chalicelib.platform.errors import AppFileRefused, BuildRefused, KeyReused, NotFound, TooLarge
from chalicelib.platform.late import late

if TYPE_CHECKING:
    from chalicelib.builds import schemas as builds_shapes
    from chalicelib.builds import service as builds
    from chalicelib.projects import schemas as projects_shapes
    from chalicelib.projects import service as projects
else:
    builds = late("chalicelib.builds.service")
    projects = late("chalicelib.projects.service")
    builds_shapes = late("chalicelib.builds.schemas")
    projects_shapes = late("chalicelib.projects.schemas")


source_routes = Resource("sources")
app_file_routes = Resource("app-files")


@source_routes.route(
    "POST",
    PROJECT + "/sources",
    body=builds_shapes.NewSource,
    answer=builds_shapes.SourceView,
    status=201,
    errors=(NotFound, TooLarge, KeyReused),
)
def create_source(call: AnyCall) -> Answer:
    """Announce a source archive and get the request that uploads it."""
    known = call.world.settings
    source, upload = builds.create_source(
        call.who,
        call.path["project"],
        sha256=call.body.sha256,
        size=call.body.size,
        only=(call.body.environment, call.body.service) if call.body.service is not None else None,
        limit=known.upload_limit,
        expiry=known.upload_expiry,
        storage=call.world.storage,
        new_id=call.world.new_id,
        now=call.now,
        once=call.once,
    )
    return Answer(source_view(source, upload))


@source_routes.route(
    "POST",
    "/v1/build-plans",
    body=builds_shapes.PlanRequest,
    answer=builds_shapes.PlanView,
    errors=(BuildRefused, AppFileRefused),
)
def plan_build(call: AnyCall) -> builds_shapes.PlanView:
    """Say how a listing of files would be built, without building it."""
    plan = builds.preview_plan({file.path: file.text for file in call.body.files}, call.body.service)
    return plan_view(plan, builds.dockerfile_of(plan))


@app_file_routes.route(
    "POST",
    "/v1/app-files/check",
    body=projects_shapes.AppFileText,
    answer=projects_shapes.AppFileView,
    errors=(AppFileRefused,),
)
def check_app_file(call: AnyCall) -> projects_shapes.AppFileView:
    """Check a cygni.yaml; each broken rule comes with its line and column."""
    return projects_shapes.AppFileView(app=projects.parse(call.body.text).model_dump(mode="json", by_alias=True))


@app_file_routes.route("POST", "/v1/app-files/draft", body=projects_shapes.AppFileDraft, answer=projects_shapes.AppFileTextView)
def draft_app_file(call: AnyCall) -> projects_shapes.AppFileTextView:
    """Write a starter cygni.yaml."""
    wanted = call.body
    starter = projects.Starter(wanted.service, wanted.start, wanted.port)
    return projects_shapes.AppFileTextView(text=projects.default_text(wanted.name, [starter]))
