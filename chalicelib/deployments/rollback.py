"""Returning to an earlier release."""

from __future__ import annotations

from datetime import datetime

from chalicelib.deployments.controls import request
from chalicelib.deployments.lifecycle import Wanted, create_deployment
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.states import Request
from chalicelib.identity.principal import Principal
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.errors import Conflict
from chalicelib.platform.ids import NewId
from chalicelib.platform.once import Once
from chalicelib.platform.storage import Storage
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import ServiceKey, get_service


def create_rollback(
    who: Principal,
    key: ServiceKey,
    number: int | None,
    *,
    storage: Storage,
    workflows: Workflows,
    builders: Builders,
    new_id: NewId,
    now: datetime,
    once: Once | None,
    proposal: bool = False,
) -> DeploymentRecord:
    """Returns to an earlier release: its image, spec and config, with all the traffic as soon as it is ready.

    Without a number it is the release that was live before the present one. A deployment under way is aborted first.
    A `proposal` waits for somebody's approval, and aborts nothing.
    Raises NotFound, and Conflict when there is no earlier release.
    """
    wanted_number = get_service(who, key).lane.previous if number is None else number
    if wanted_number is None:
        raise Conflict("There is no earlier release to return to.", remedy="List the releases to see which there are.")
    wanted = Wanted("rollback", copies=wanted_number, message=f"Roll back to release {wanted_number}", proposal=proposal)
    record = create_deployment(who, key, wanted, storage=storage, workflows=workflows, new_id=new_id, now=now, once=once)
    lane = get_service(who, key).lane
    if lane.waiting == record.id and lane.active is not None:
        _abort(who, key, lane.active, builders, now)
    return record


def _abort(who: Principal, key: ServiceKey, deployment: str, builders: Builders, now: datetime) -> None:
    try:
        request(who, key, deployment, Request.ABORT, builders=builders, now=now)
    except Conflict:
        # It ended between the two reads: its place is free already.
        return
