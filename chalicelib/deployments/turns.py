"""Starting a deployment when its turn in the lane has come, unless its environment was frozen in the meantime.

One that is frozen keeps its turn and stays `queued`; the sweep asks again each minute, so that it begins by itself when the
window is over or lifted. A rollback is never frozen, nor is what was asked for in spite of a freeze.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from chalicelib.deployments.lifecycle import start_workflow
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.states import Request, State
from chalicelib.platform.store import team_store
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import Freeze, environment_address, freezes_of, frozen_by

FROZEN = "frozen"


def start_in_turn(record: DeploymentRecord, workflows: Workflows, now: datetime) -> bool:
    """Whether its workflow was started just now; one that a freeze holds is told so, once."""
    freeze = held_by(record, now)
    if freeze is None:
        return start_workflow(record, workflows)
    if tell_frozen(record, freeze, now):
        _save(record)
    return False


def held_by(record: DeploymentRecord, now: datetime) -> Freeze | None:
    """The freeze that keeps a deployment from beginning, from the store; None for one that has begun or is to end."""
    if not may_be_held(record):
        return None
    key = record.key
    environment = team_store(key.team).fetch(*environment_address(key.team, key.project, key.environment))
    return freeze_of(record, environment, now)


def freeze_of(record: DeploymentRecord, environment: Any, now: datetime) -> Freeze | None:
    """The freeze of its environment, by the record of it or None, that keeps a deployment from beginning."""
    if environment is None or not may_be_held(record):
        return None
    return frozen_by(freezes_of(environment), now)


def may_be_held(record: DeploymentRecord) -> bool:
    """Whether a freeze means this deployment: not one that has begun, nor one that is to end."""
    waits = State(record.state) is State.QUEUED and record.requested != Request.ABORT
    return waits and record.kind != "rollback" and not record.override


def tell_frozen(record: DeploymentRecord, freeze: Freeze, now: datetime) -> bool:
    """Tells in the timeline that a freeze holds the deployment, unless that is the last that was told; saves nothing."""
    events = record.events()
    if events and events[-1].kind == FROZEN:
        return False
    until = f"{freeze.until:%Y-%m-%d %H:%M} UTC"
    record.tell(now, FROZEN, f"It begins when the environment is no longer frozen, {until}: {freeze.reason}")
    return True


def _save(record: DeploymentRecord) -> None:
    try:
        team_store(record.team).commit([Put(record)])
    except ConditionFailed:
        return  # somebody else changed it, and the sweep tells it
