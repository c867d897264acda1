"""Source archives, build plans and app files."""

from __future__ import annotations

from chalicelib.api.projects import PROJECT
from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.api.views import plan_view, source_view
from chalicelib.builds import service as builds
from chalicelib.builds.schemas import NewSource, PlanRequest, PlanView, SourceView
from chalicelib.platform.errors import AppFileRefused, BuildRefused, KeyReused, NotFound, TooLarge
from chalicelib.projects import service as projects
from chalicelib.projects.schemas import AppFileDraft, AppFileText, AppFileTextView, AppFileView

source_routes = Resource("sources")
app_file_routes = Resource("app-files")


@source_routes.route(
    "POST",
    PROJECT + "/sources",
    body=NewSource,
    answer=SourceView,
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
    body=PlanRequest,
    answer=PlanView,
    errors=(BuildRefused, AppFileRefused),
)
def plan_build(call: AnyCall) -> PlanView:
    """Say how a listing of files would be built, without building it."""
    plan = builds.preview_plan({file.path: file.text for file in call.body.files}, call.body.service)
    return plan_view(plan, builds.dockerfile_of(plan))


@app_file_routes.route(
    "POST",
    "/v1/app-files/check",
    body=AppFileText,
    answer=AppFileView,
    errors=(AppFileRefused,),
)
def check_app_file(call: AnyCall) -> AppFileView:
    """Check a cygni.yaml; each broken rule comes with its line and column."""
    return AppFileView(app=projects.parse(call.body.text).model_dump(mode="json", by_alias=True))


@app_file_routes.route("POST", "/v1/app-files/draft", body=AppFileDraft, answer=AppFileTextView)
def draft_app_file(call: AnyCall) -> AppFileTextView:
    """Write a starter cygni.yaml."""
    wanted = call.body
    starter = projects.Starter(wanted.service, wanted.start, wanted.port)
    return AppFileTextView(text=projects.default_text(wanted.name, [starter]))
