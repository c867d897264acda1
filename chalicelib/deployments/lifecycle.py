"""Creating and reading deployments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.builds.service import Build, build_address, build_id_of, build_of, source_address, source_of
from chalicelib.deployments.models import DeploymentRecord, deployments_pk
from chalicelib.deployments.releases import Release, get_release
from chalicelib.deployments.states import State
from chalicelib.identity.principal import Principal
from chalicelib.identity.rules import Verdict, decide
from chalicelib.platform import once as keys
from chalicelib.platform.errors import Conflict, Forbidden, LostRace, NotFound
from chalicelib.platform.ids import NewId
from chalicelib.platform.logs import correlation_id
from chalicelib.platform.once import Once
from chalicelib.platform.storage import Storage
from chalicelib.platform.table import ConditionFailed, Place, Put, Write
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import (
    Entered,
    Freeze,
    Lane,
    Service,
    ServiceKey,
    config_address,
    enter,
    environment_address,
    freezes_of,
    frozen,
    frozen_by,
    get_service,
    lane_write,
    reserve,
    service_address,
)

MACHINE = "cygni-deploy"
TRIES = 4
"""Times a request decides anew when another writer was first; beyond that the caller is told to try again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new deployment is of: a source, or an earlier release (`copies`) with its own or the newest config.

    A `proposal` waits for somebody's approval before it gets a place in the lane. `override`: though its environment is frozen.
    """

    kind: str
    source: str | None = None
    copies: int | None = None
    message: str = ""
    commit: str = ""
    proposal: bool = False
    override: bool = False


def create_deployment(
    who: Principal,
    key: ServiceKey,
    wanted: Wanted,
    *,
    storage: Storage,
    workflows: Workflows,
    new_id: NewId,
    now: datetime,
    once: Once | None,
) -> DeploymentRecord:
    """Puts a deployment in the service's lane and starts it if its turn has come.

    Raises NotFound, Conflict (the source was not uploaded, the service is being deleted, nothing is live), KeyReused.
    """
    for _ in range(TRIES):
        try:
            record, begins = _enter(who, key, wanted, new_id("dep"), storage, now, once)
            break
        except ConditionFailed:
            made = keys.seen(who.store, once)
            if made is not None:
                record = get_deployment(who, key, made)
                begins = get_service(who, key).lane.active == made
                break
    else:
        raise LostRace("Too many deployments of this service were created at the same moment.")
    if begins and not record.ended:
        start_workflow(record, workflows)
    return record


def get_deployment(who: Principal, key: ServiceKey, deployment: str) -> DeploymentRecord:
    """One deployment. Raises NotFound."""
    bound = ServiceKey(who.team, key.project, key.environment, key.service)
    record = who.store.fetch(DeploymentRecord, deployments_pk(bound), deployment)
    if record is None:
        raise NotFound(f"Service {key.service} has no deployment {deployment}.")
    return record


def get_build_of(who: Principal, key: ServiceKey, deployment: str) -> Build:
    """The build of a deployment, both read at once. Raises NotFound, also for a deployment that built nothing."""
    wanted = (DeploymentRecord, deployments_pk(key), deployment), build_address(who.team, build_id_of(deployment))
    record, build = who.store.together(*wanted)
    if record is None:
        raise NotFound(f"Service {key.service} has no deployment {deployment}.")
    if record.source is None:
        raise NotFound("This deployment built nothing: it took the image of an earlier release.")
    if build is None:
        raise NotFound("The build of this deployment has not begun.", remedy="Ask again when the deployment is building.")
    return build_of(build)


def list_deployments(
    who: Principal, key: ServiceKey, *, cursor: str | None, limit: int
) -> tuple[list[DeploymentRecord], str | None]:
    """A page of a service's deployments, newest first. Raises NotFound without the service."""
    records, after = who.store.page(
        DeploymentRecord, deployments_pk(key), "dep_", cursor=cursor, limit=limit, newest_first=True
    )
    if not records and cursor is None:
        get_service(who, key)
    return records, after


def workflow_input(record: DeploymentRecord) -> dict[str, Any]:
    """What travels through a workflow: names and ids only."""
    return {**record.key.to_dict(), "deployment": record.id, "request": record.correlation_id}


def execution_name(record: DeploymentRecord) -> str:
    """The name of a deployment's workflow: the same deployment is the same execution, until a new attempt is made."""
    attempt = int(record.attempt)
    return record.id if attempt == 1 else f"{record.id}-{attempt}"


def start_workflow(record: DeploymentRecord, workflows: Workflows) -> bool:
    """Starts the workflow of a deployment whose turn has come. Starting it twice is starting it once: then it says False."""
    return workflows.start(MACHINE, execution_name(record), workflow_input(record))


def _enter(
    who: Principal, key: ServiceKey, wanted: Wanted, new: str, storage: Storage, now: datetime, once: Once | None
) -> tuple[DeploymentRecord, bool]:
    frozen_at = environment_address(who.team, key.project, key.environment)
    addresses: list[Place[Any]] = [service_address(key), config_address(key), frozen_at]
    if wanted.source is not None:
        addresses.append(source_address(who.team, wanted.source))
    service_record, head, environment, *sources = who.store.together(*addresses)
    if service_record is None:
        raise NotFound(f"There is no service {key}.")
    if wanted.source is not None:
        source = source_of(who, key.project, wanted.source, sources[0])
        source.refuse_other(key)
        if storage.size(source.key) is None:
            raise Conflict(f"Source {source.id} was not uploaded.", remedy="Send the archive to its upload address first.")
    service = Service.from_record(service_record)
    if service.deleting:
        raise Conflict(f"Service {key.service} is being deleted.", remedy="Wait until it is gone, then create it anew.")
    freeze = _freeze_overridden(who, key, wanted, environment, now)
    entered = _place(service.lane, new, wanted)
    state = State.AWAITING_APPROVAL if wanted.proposal else State.QUEUED
    record = new_record(who, key, new, service.lane, entered, kind=wanted.kind, state=state, now=now)
    record.source, record.message, record.commit = wanted.source, wanted.message, wanted.commit
    record.config_version = int(head.number) if head is not None else 0
    _copy(who, key, wanted, service, record)
    record.tell(now, "queued", f"Release {entered.number} is asked for.", who.subject)
    record.override = wanted.override or None
    if freeze is not None:
        record.tell(now, "freeze_overridden", f"The environment is frozen: {freeze.reason}", who.subject)
    if wanted.proposal:
        record.tell(now, "approval_needed", "In production, an Owner or Admin has to approve it.")
    elif not entered.begins:
        record.tell(now, "waiting", f"It begins when {service.lane.active} has ended.")
    writes: list[Write] = [Put(record), lane_write(service, entered.lane), *keys.writes(once, new)]
    if entered.superseded is not None:
        writes.extend(supersede(who, key, entered.superseded, new, now))
    who.store.commit(writes)
    return record, entered.begins


def new_record(
    who: Principal, key: ServiceKey, new: str, lane: Lane, entered: Entered, *, kind: str, state: State, now: datetime
) -> DeploymentRecord:
    """A deployment that somebody asks for, with its place in the lane; not yet saved. `lane` is the one before it came."""
    record = DeploymentRecord(deployments_pk(key), new, created_by=who.subject, created_at=now, state=state.value)
    record.team, record.project, record.environment, record.service = key.team, key.project, key.environment, key.service
    record.kind, record.number, record.stable, record.request = kind, entered.number, lane.live, correlation_id() or None
    return record


def _freeze_overridden(who: Principal, key: ServiceKey, wanted: Wanted, environment: Any, now: datetime) -> Freeze | None:
    """The freeze that the caller deploys in spite of. Raises Conflict for one who does not, and Forbidden for who may not."""
    freeze = frozen_by(freezes_of(environment), now) if environment is not None and wanted.kind != "rollback" else None
    if freeze is None:
        return None
    if not wanted.override:
        raise frozen(freeze, key.environment)
    if decide(who.grant, "thaw_environment", key.project, key.environment) is not Verdict.ALLOW:
        raise Forbidden("Only who may lift a freeze may deploy in spite of it.", remedy="Ask an Owner or Admin of the team.")
    return freeze


def _copy(who: Principal, key: ServiceKey, wanted: Wanted, service: Service, record: DeploymentRecord) -> None:
    """A redeploy takes the live release's image with the newest config; a rollback takes a release as it was."""
    if wanted.source is not None:
        return
    number = wanted.copies if wanted.copies is not None else service.lane.live
    if number is None:
        raise Conflict("Nothing is live yet, so there is nothing to deploy again.", remedy="Deploy a source first.")
    copied: Release = get_release(who, key, number)
    record.copies, record.image = copied.number, copied.image
    if wanted.kind == "rollback":
        record.config_version = copied.config_version


def _place(lane: Lane, deployment: str, wanted: Wanted) -> Entered:
    """A proposal gets a number, and its place when it is approved."""
    if not wanted.proposal:
        return enter(lane, deployment)
    reserved, number = reserve(lane)
    return Entered(reserved, number, begins=False, superseded=None)


def supersede(who: Principal, key: ServiceKey, deployment: str, by: str, now: datetime) -> list[Write]:
    """The write that ends a deployment whose place in the queue another one has taken."""
    waiting = who.store.fetch(DeploymentRecord, deployments_pk(key), deployment)
    if waiting is None or waiting.ended:
        return []
    waiting.state, waiting.ended_at, waiting.outcome = State.SUPERSEDED.value, now, f"A newer deployment, {by}, took its place."
    waiting.tell(now, "superseded", waiting.outcome)
    return [Put(waiting)]
