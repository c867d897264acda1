"""Approving and rejecting deployments that were proposed for production.

A proposal has its release number and its content from the beginning, so that what is approved is what was proposed; its place
in the lane it gets with the approval. Approving twice is approving once.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.deployments.lifecycle import TRIES, get_deployment, supersede
from chalicelib.deployments.models import DeploymentRecord, deployments_pk
from chalicelib.deployments.states import State
from chalicelib.deployments.turns import start_in_turn
from chalicelib.identity.principal import Principal
from chalicelib.platform.errors import Conflict, LostRace, NotFound
from chalicelib.platform.table import ConditionFailed, Put, Write
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import Service, ServiceKey, admit, get_service, lane_write, service_address


def approve(who: Principal, key: ServiceKey, deployment: str, *, workflows: Workflows, now: datetime) -> DeploymentRecord:
    """Lets a proposal into the lane, and starts it if its turn has come. Raises NotFound, Conflict, LostRace."""
    for _ in range(TRIES):
        try:
            record, begins = _admit(who, key, deployment, now)
            break
        except ConditionFailed:
            continue
    else:
        raise LostRace("The deployment changes too quickly just now.")
    if begins and not record.ended:
        start_in_turn(record, workflows, now)
    return record


def reject(who: Principal, key: ServiceKey, deployment: str, *, now: datetime) -> DeploymentRecord:
    """Ends a proposal. Raises NotFound, and Conflict for what awaits no approval."""
    record = get_deployment(who, key, deployment)
    _must_await(record)
    withdraw(record, "Its approval was refused.", who.subject, now)
    try:
        who.store.commit([Put(record)])
    except ConditionFailed as lost:
        raise Conflict("Somebody else decided on it at the same moment.") from lost
    return record


def withdraw(record: DeploymentRecord, outcome: str, by: str, now: datetime) -> None:
    """Ends a proposal that was not approved; saves nothing."""
    record.state, record.ended_at, record.outcome = State.CANCELLED.value, now, outcome
    record.tell(now, "cancelled", outcome, by)


def _admit(who: Principal, key: ServiceKey, deployment: str, now: datetime) -> tuple[DeploymentRecord, bool]:
    found, record = who.store.together(service_address(key), (DeploymentRecord, deployments_pk(key), deployment))
    if found is None or record is None:
        raise NotFound(f"Service {key.service} has no deployment {deployment}.")
    if record.approved_by is not None:
        return record, get_service(who, key).lane.active == record.id
    _must_await(record)
    service = Service.from_record(found)
    if service.deleting:
        raise Conflict(f"Service {key.service} is being deleted.", remedy="Reject the deployment.")
    entered = admit(service.lane, record.id, int(record.number))
    record.state, record.approved_by, record.stable = State.QUEUED.value, who.subject, service.lane.live
    record.tell(now, "approved", "It may go into production.", who.subject)
    if not entered.begins:
        record.tell(now, "waiting", f"It begins when {service.lane.active} has ended.")
    writes: list[Write] = [Put(record), lane_write(service, entered.lane)]
    if entered.superseded is not None:
        writes.extend(supersede(who, key, entered.superseded, record.id, now))
    who.store.commit(writes)
    return record, entered.begins


def _must_await(record: DeploymentRecord) -> None:
    if State(record.state) is not State.AWAITING_APPROVAL:
        raise Conflict(f"The deployment awaits no approval: it is {record.state.replace('_', ' ')}.")
