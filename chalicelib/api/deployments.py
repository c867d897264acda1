"""Deployments: create, follow, steer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.api.routes import Answer, AnyCall, Resource
from chalicelib.api.services import SERVICE
from chalicelib.api.views import arm_view, deployment_view, event_view, release_view, verdict_view
from chalicelib.deployments.states import Request
from chalicelib.platform.errors import Conflict, KeyReused, LostRace, Malformed, NotFound
from chalicelib.platform.late import late
from chalicelib.platform.logs import bind
from chalicelib.platform.opaque import decode_cursor, encode_cursor
from chalicelib.platform.schema import PageQuery

if TYPE_CHECKING:
    from chalicelib.builds import schemas as builds_shapes
    from chalicelib.builds import service as builds
    from chalicelib.deployments import schemas as deployments_shapes
    from chalicelib.deployments import service as deployments
    from chalicelib.projects import service as projects
    from chalicelib.rollouts import schemas as rollouts_shapes
else:
    projects = late("chalicelib.projects.service")
    builds = late("chalicelib.builds.service")
    deployments = late("chalicelib.deployments.service")
    builds_shapes = late("chalicelib.builds.schemas")
    deployments_shapes = late("chalicelib.deployments.schemas")
    rollouts_shapes = late("chalicelib.rollouts.schemas")


deployment_routes = Resource("deployments")
release_routes = Resource("releases")
DEPLOYMENTS = SERVICE + "/deployments"
DEPLOYMENT = DEPLOYMENTS + "/{deployment}"


@deployment_routes.route(
    "POST",
    DEPLOYMENTS,
    body=deployments_shapes.NewDeployment,
    answer=deployments_shapes.DeploymentView,
    status=201,
    errors=(NotFound, Conflict, KeyReused, LostRace),
)
def create_deployment(call: AnyCall) -> Answer:
    """Deploy a source, or the live release again with the newest config."""
    kind = "redeploy" if call.body.redeploy else "deploy"
    wanted = deployments.Wanted(kind, source=call.body.source, message=call.body.message, commit=call.body.commit)
    wanted = replace(wanted, proposal=call.needs_approval, override=call.body.override_freeze)
    world = call.world
    made = deployments.create_deployment(
        call.who,
        call.service,
        wanted,
        storage=world.storage,
        workflows=world.workflows,
        new_id=world.new_id,
        now=call.now,
        once=call.once,
    )
    return _shown(call, made)


@deployment_routes.route(
    "POST",
    SERVICE + "/rollback",
    body=deployments_shapes.NewRollback,
    answer=deployments_shapes.DeploymentView,
    status=201,
    errors=(NotFound, Conflict, KeyReused, LostRace),
)
def create_rollback(call: AnyCall) -> Answer:
    """Return to an earlier release: its image, spec and config; a deployment under way is aborted."""
    world = call.world
    made = deployments.create_rollback(
        call.who,
        call.service,
        call.body.release,
        storage=world.storage,
        workflows=world.workflows,
        builders=world.builders,
        new_id=world.new_id,
        now=call.now,
        once=call.once,
        proposal=call.needs_approval,
    )
    return _shown(call, made)


@deployment_routes.route(
    "GET",
    DEPLOYMENTS,
    query=PageQuery,
    answer=deployments_shapes.DeploymentPage,
    errors=(NotFound,),
)
def list_deployments(call: AnyCall) -> deployments_shapes.DeploymentPage:
    """List a service's deployments, newest first."""
    found, after = deployments.list_deployments(call.who, call.service, cursor=call.query.cursor, limit=call.query.limit)
    items = tuple(deployment_view(each, call.world.settings) for each in found)
    return deployments_shapes.DeploymentPage(items=items, next_cursor=after)


@deployment_routes.route("GET", DEPLOYMENT, answer=deployments_shapes.DeploymentView, errors=(NotFound,))
def get_deployment(call: AnyCall) -> Answer:
    """Read a deployment."""
    return _shown(call, _load(call))


@deployment_routes.route(
    "GET",
    DEPLOYMENT + "/timeline",
    query=deployments_shapes.TimelineQuery,
    answer=deployments_shapes.TimelineView,
    errors=(NotFound,),
)
def read_timeline(call: AnyCall) -> deployments_shapes.TimelineView:
    """Read a deployment's timeline from a cursor."""
    record = _load(call)
    after = _seen(call.query.cursor)
    events = [event for event in record.events() if event.seq > after][: call.query.limit]
    last = events[-1].seq if events else after
    return deployments_shapes.TimelineView(
        items=tuple(event_view(event) for event in events),
        next_cursor=encode_cursor({"seq": last}),
        ended=record.ended and last >= int(record.seq),
        state=record.state,
    )


@deployment_routes.route("GET", DEPLOYMENT + "/traffic", answer=rollouts_shapes.TrafficView, errors=(NotFound,))
def read_traffic(call: AnyCall) -> rollouts_shapes.TrafficView:
    """Read the live traffic of a rollout since its step began, as the judge would see it now.

    It is measured where the rollout's own is: in the cluster that the environment is placed on.
    """
    record = _load(call)
    state = record.rollout_state
    if state is None or record.ended:
        phase = state.phase.value if state else record.state
        weight = state.weight if state else 0
        return rollouts_shapes.TrafficView(
            at=call.now, phase=phase, step=0, weight=weight, canary=None, stable=None, verdict=None
        )
    sample, verdict = deployments.live_verdict(call.who, record, call.world.traffic_of(call.who, record.key), call.world.clock)
    stable = None if record.stable is None else arm_view(int(record.stable), verdict.stable)
    return rollouts_shapes.TrafficView(
        at=sample.at,
        phase=state.phase.value,
        step=state.step,
        weight=state.weight,
        canary=arm_view(int(record.number), verdict.canary),
        stable=stable,
        verdict=verdict_view(verdict),
    )


@deployment_routes.route(
    "GET",
    DEPLOYMENT + "/build-log",
    query=builds_shapes.BuildLogQuery,
    answer=builds_shapes.BuildLogView,
    errors=(NotFound,),
)
def read_build_log(call: AnyCall) -> builds_shapes.BuildLogView:
    """Read a deployment's build log from a cursor."""
    build = deployments.get_build_of(call.who, call.service, call.path["deployment"])
    piece = builds.read_log(build, cursor=call.query.cursor, storage=call.world.storage, builders=call.world.builders)
    return builds_shapes.BuildLogView(lines=piece.lines, next_cursor=piece.cursor, complete=piece.complete)


def _declare_request(wish: Request, sentence: str) -> None:
    def handler(call: AnyCall) -> Answer:
        asked = deployments.request(
            call.who, call.service, call.path["deployment"], wish, builders=call.world.builders, now=call.now
        )
        return _shown(call, asked)

    handler.__name__ = f"{wish.value}_deployment"
    handler.__doc__ = sentence
    deployment_routes.route(
        "POST",
        f"{DEPLOYMENT}/{wish.value}",
        answer=deployments_shapes.DeploymentView,
        status=202,
        errors=(NotFound, Conflict, LostRace),
    )(handler)


_declare_request(Request.PROMOTE, "Give the release all the traffic now, skipping the steps that remain.")
_declare_request(Request.PAUSE, "Keep the weights where they are; the gates still watch.")
_declare_request(Request.RESUME, "Let a paused rollout go on, or approve the step that it waits at.")
_declare_request(Request.ABORT, "Stop the deployment: its build is stopped, its traffic returns to the stable release.")


@deployment_routes.route(
    "POST", DEPLOYMENT + "/approve", answer=deployments_shapes.DeploymentView, status=202, errors=(NotFound, Conflict, LostRace)
)
def approve_deployment(call: AnyCall) -> Answer:
    """Let a deployment into production that was proposed for it."""
    asked = deployments.approve(call.who, call.service, call.path["deployment"], workflows=call.world.workflows, now=call.now)
    return _shown(call, asked)


@deployment_routes.route("POST", DEPLOYMENT + "/reject", answer=deployments_shapes.DeploymentView, errors=(NotFound, Conflict))
def reject_deployment(call: AnyCall) -> Answer:
    """Refuse a deployment that was proposed for production."""
    return _shown(call, deployments.reject(call.who, call.service, call.path["deployment"], now=call.now))


@release_routes.route(
    "GET",
    SERVICE + "/releases",
    query=PageQuery,
    answer=deployments_shapes.ReleasePage,
    errors=(NotFound,),
)
def list_releases(call: AnyCall) -> deployments_shapes.ReleasePage:
    """List a service's releases, newest first."""
    live = projects.get_service(call.who, call.service).lane.live
    found, after = deployments.list_releases(call.who, call.service, cursor=call.query.cursor, limit=call.query.limit)
    items = tuple(release_view(each, live=each.number == live) for each in found)
    return deployments_shapes.ReleasePage(items=items, next_cursor=after)


@release_routes.route("GET", SERVICE + "/releases/{release}", answer=deployments_shapes.ReleaseView, errors=(NotFound,))
def get_release(call: AnyCall) -> deployments_shapes.ReleaseView:
    """Read a release."""
    text = call.path["release"]
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise NotFound(f"There is no release {text}.")
    found, live = deployments.show_release(call.who, call.service, int(text))
    return release_view(found, live=live)


def _load(call: AnyCall) -> deployments.DeploymentRecord:
    return deployments.get_deployment(call.who, call.service, call.path["deployment"])


def _shown(call: AnyCall, record: deployments.DeploymentRecord) -> Answer:
    bind(deployment=record.id)
    view = deployment_view(record, call.world.settings)
    base = f"/v1/projects/{view.project}/environments/{view.environment}/services/{view.service}"
    return Answer(view, view.version, f"{base}/deployments/{view.id}")


def _seen(cursor: str | None) -> int:
    if cursor is None:
        return 0
    seq = decode_cursor(cursor).get("seq")
    if not isinstance(seq, int) or seq < 0:
        raise Malformed("The cursor does not belong to a timeline.", remedy="Leave it out to begin at the first entry.")
    return seq
