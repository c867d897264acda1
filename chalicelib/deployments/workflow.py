"""The beginning and the end of a deployment's workflow, and the sweep that starts it again when it was lost.

Each function may run twice with the same input and leaves the same result.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from chalicelib.builds.service import Build, build_id_of, get_build, open_build
from chalicelib.deployments.deletion import remove_when_empty
from chalicelib.deployments.lifecycle import MACHINE, execution_name, start_workflow
from chalicelib.deployments.measured import count_end, count_lanes
from chalicelib.deployments.models import DeploymentRecord, deployments_pk
from chalicelib.deployments.rules import Ending, ending
from chalicelib.deployments.states import Request, State
from chalicelib.deployments.turns import held_by, start_in_turn
from chalicelib.platform.errors import NotFound
from chalicelib.platform.events import EventBus
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.logs import log
from chalicelib.platform.store import team_store
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import Lane, ServiceKey, busy_services, get_lane, leave, update_lane

RUNNING = "RUNNING"
ENDED_EVENT = "Deployment Ended"


def load(event: Mapping[str, str]) -> DeploymentRecord:
    """The deployment that a workflow's input names. Raises NotFound."""
    key = ServiceKey.from_dict(dict(event))
    record = team_store(key.team).fetch(DeploymentRecord, deployments_pk(key), event["deployment"])
    if record is None:
        raise NotFound(f"There is no deployment {event['deployment']} of {key}.")
    return record


def begin(event: Mapping[str, str], *, now: datetime) -> dict[str, str]:
    """What the workflow does next: Build, Rollout, or Finish when the deployment was aborted or has ended.

    The answer names the build, and the request that log lines go by.
    """
    record = load(event)
    build = build_id_of(record.id)
    known = {"build": build, "request": record.correlation_id}
    if record.ended or (record.requested == Request.ABORT and record.rollout is None):
        return {"next": "Finish", **known}
    if record.source is None or record.rollout is not None:
        return {"next": "Rollout", **known}
    open_build(record.key, build, source=record.source, request=record.correlation_id, now=now)
    if record.state == State.QUEUED:
        record.state = State.BUILDING.value
        record.tell(now, "building", "The image is being built.")
        team_store(record.team).commit([Put(record)])
    return {"next": "Rollout" if get_build(record.team, build).state == "succeeded" else "Build", **known}


def finish(
    event: Mapping[str, str], *, workflows: Workflows, functions: Functions, bus: EventBus, now: datetime
) -> dict[str, str]:
    """Records how the deployment ended and lets the next in the queue begin, or the service go that is being deleted.

    A rollout that was left half-way is no end: the answer is then `unfinished`, the lane stays taken, and the sweep starts
    the workflow again, which goes on where the rollout stands.
    """
    record = load(event)
    if not record.ended:
        found = _ending(record)
        if found is None:
            return {"next": "Unfinished", "state": record.state}
        record.state, record.outcome, record.ended_at = found.state.value, found.outcome, now
        record.requested = None
        record.tell(now, found.state.value, found.outcome.partition("\n")[0])
        team_store(record.team).commit([Put(record)])
        count_end(record, now)
    _announce(record, bus)
    _make_room(record, workflows, functions, now)
    return {"next": "Succeeded" if record.state == State.PROMOTED else "Failed", "state": record.state}


def sweep(*, workflows: Workflows, functions: Functions, now: datetime) -> int:
    """Starts again every workflow that should be running and is not; answers how many.

    Such a one was never started (a crash between the write and the start), or was lost (the embedded cloud was restarted,
    or the cluster stayed away longer than its retries). What is left of a service that is being deleted is removed again.
    What runs is listed, not asked for one by one, so that a thousand rollouts that are well cost a few calls. One that cannot
    be looked after holds up no other.
    """
    busy, started = list(busy_services()), 0
    running = {name.partition("-")[0] for name in workflows.running(MACHINE)} if busy else frozenset()
    for key, lane in busy:
        if lane.active in running:
            continue
        try:
            started += _look_after(key, workflows, functions, now)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are looked after, and this one in a minute
            log().warning("a deployment was not looked after", extra={"service": str(key), "error": repr(error)[:500]})
    count_lanes((lane for _, lane in busy), started)
    return started


def _look_after(key: ServiceKey, workflows: Workflows, functions: Functions, now: datetime) -> bool:
    """Brings a lane whose deployment has no running workflow on its way; whether one was started again."""
    lane = get_lane(key)
    record = _deployment(key, lane.active)
    if remove_when_empty(key, lane, functions):
        return False
    if record is None:
        _drop(key, lane, workflows, now)
    elif record.ended:
        _make_room(record, workflows, functions, now)
    else:
        return _revive(record, workflows, now)
    return False


def _revive(record: DeploymentRecord, workflows: Workflows, now: datetime) -> bool:
    if held_by(record, now) is not None:
        return False
    status = workflows.status(MACHINE, execution_name(record))
    if status == RUNNING:
        return False
    if status is not None:
        record.attempt = int(record.attempt) + 1
        record.tell(now, "restarted", "Its workflow was interrupted and goes on where it stood.")
        try:
            team_store(record.team).commit([Put(record)])
        except ConditionFailed:
            return False
    told = {"deployment": record.id, "team": record.team, "correlation_id": record.correlation_id}
    log().info("workflow started again", extra={**told, "attempt": int(record.attempt)})
    return start_workflow(record, workflows)


def _announce(record: DeploymentRecord, bus: EventBus) -> None:
    """Before the lane is left: a task that dies here is run again, and says it again."""
    told = {**record.key.to_dict(), "deployment": record.id, "release": int(record.number), "state": record.state}
    bus.publish(ENDED_EVENT, told, record.ended_at)


def _ending(record: DeploymentRecord) -> Ending | None:
    build = _build_of(record)
    return ending(
        record.rollout_state,
        aborted=record.requested == Request.ABORT,
        build_state=build.state if build else None,
        build_error=build.error if build else None,
    )


def _build_of(record: DeploymentRecord) -> Build | None:
    if record.source is None:
        return None
    try:
        return get_build(record.team, build_id_of(record.id))
    except NotFound:
        return None


def _make_room(record: DeploymentRecord, workflows: Workflows, functions: Functions, now: datetime) -> None:
    """Takes an ended deployment out of its lane and starts the one that waited for it."""
    lane = update_lane(record.key, lambda lane: leave(lane, record.id)[0])
    if not remove_when_empty(record.key, lane, functions):
        _start_active(record.key, lane, workflows, now)


def _drop(key: ServiceKey, lane: Lane, workflows: Workflows, now: datetime) -> None:
    """A lane that is held by a deployment without a record is freed."""
    if lane.active is not None:
        active = lane.active
        _start_active(key, update_lane(key, lambda held: leave(held, active)[0]), workflows, now)


def _start_active(key: ServiceKey, lane: Lane, workflows: Workflows, now: datetime) -> None:
    following = _deployment(key, lane.active)
    if following is not None and not following.ended:
        start_in_turn(following, workflows, now)


def _deployment(key: ServiceKey, deployment: str | None) -> DeploymentRecord | None:
    return team_store(key.team).fetch(DeploymentRecord, deployments_pk(key), deployment) if deployment else None
