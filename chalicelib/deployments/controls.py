"""What people ask of a deployment under way: abort, pause, resume, promote.

A request is written on the deployment's record and taken up by its workflow within one sample. Asking twice is asking once.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.builds.service import build_id_of, cancel_build
from chalicelib.deployments.approvals import withdraw
from chalicelib.deployments.lifecycle import TRIES, get_deployment
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.states import Request, State
from chalicelib.identity.principal import Principal
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.errors import Conflict, LostRace, NotFound
from chalicelib.platform.table import ConditionFailed, Put, Write
from chalicelib.projects.service import ServiceKey, get_service, lane_write, leave


def request(
    who: Principal, key: ServiceKey, deployment: str, wish: Request, *, builders: Builders, now: datetime
) -> DeploymentRecord:
    """Asks something of a deployment. Raises NotFound, and Conflict with the reason when it cannot be done now.

    Aborting one that waits takes it out of the queue, a proposal is withdrawn; aborting one that builds stops its build.
    """
    from chalicelib.deployments.rules import refusal

    record = get_deployment(who, key, deployment)
    for _ in range(TRIES):
        reason = refusal(wish, State(record.state), record.rollout_state, record.requested)
        if reason is not None:
            raise Conflict(reason)
        try:
            if wish is Request.ABORT and (_withdraw(who, record, now) or _take_from_queue(who, record, now)):
                return record
            _write(who, record, wish, now)
            break
        except ConditionFailed:
            record = get_deployment(who, key, deployment)
    else:
        raise LostRace("The deployment changes too quickly just now.")
    if wish is Request.ABORT and record.source is not None and record.rollout is None:
        cancel_build(who.store.aside(), record.team, build_id_of(record.id), builders=builders, now=now)
    return record


def abort_unless_over(who: Principal, key: ServiceKey, deployment: str, *, builders: Builders, now: datetime) -> None:
    """Aborts a deployment that was under way a moment ago; one that has ended since, or is gone, is left alone."""
    try:
        request(who, key, deployment, Request.ABORT, builders=builders, now=now)
    except (Conflict, NotFound):
        return


def _write(who: Principal, record: DeploymentRecord, wish: Request, now: datetime) -> None:
    from chalicelib.deployments.rules import merged

    standing = merged(wish, record.requested)
    if record.requested == standing:
        return
    record.requested, record.requested_by = standing.value, who.subject
    record.tell(now, f"{standing.value}_requested", _SAID[standing], who.subject)
    who.store.commit([Put(record)])


def _withdraw(who: Principal, record: DeploymentRecord, now: datetime) -> bool:
    """Cancels a proposal; False when the deployment is none."""
    if State(record.state) is not State.AWAITING_APPROVAL:
        return False
    withdraw(record, "Aborted while it awaited approval.", who.subject, now)
    who.store.commit([Put(record)])
    return True


def _take_from_queue(who: Principal, record: DeploymentRecord, now: datetime) -> bool:
    """Cancels a deployment that waits for its turn; False when it is not waiting."""
    if State(record.state) is not State.QUEUED:
        return False
    service = get_service(who, record.key)
    if service.lane.waiting != record.id:
        return False
    lane, _ = leave(service.lane, record.id)
    record.state, record.ended_at, record.outcome = State.CANCELLED.value, now, "Aborted while it waited for its turn."
    record.tell(now, "cancelled", record.outcome, who.subject)
    writes: list[Write] = [Put(record), lane_write(service, lane)]
    who.store.commit(writes)
    return True


_SAID = {
    Request.ABORT: "An abort was asked for.",
    Request.PAUSE: "A pause was asked for.",
    Request.RESUME: "The rollout was asked to go on.",
    Request.PROMOTE: "Promotion was asked for; the remaining steps are skipped.",
}
