"""Starting a deployment when its turn in the lane has come, unless its environment was frozen in the meantime.

One that is frozen keeps its turn and stays `queued`; the sweep asks again each minute, so that it begins by itself when the
window is over or lifted. A rollback is never frozen, nor is what was asked for in spite of a freeze.
"""

from __future__ import annotations

from datetime import datetime

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
    events = record.events()
    if not events or events[-1].kind != FROZEN:
        until = f"{freeze.until:%Y-%m-%d %H:%M} UTC"
        record.tell(now, FROZEN, f"It begins when the environment is no longer frozen, {until}: {freeze.reason}")
        _save(record)
    return False


def held_by(record: DeploymentRecord, now: datetime) -> Freeze | None:
    """The freeze that keeps a deployment from beginning; None for one that has begun, or that a person has aborted."""
    if State(record.state) is not State.QUEUED or record.requested == Request.ABORT:
        return None
    if record.kind == "rollback" or record.override:
        return None
    key = record.key
    environment = team_store(key.team).fetch(*environment_address(key.team, key.project, key.environment))
    return None if environment is None else frozen_by(freezes_of(environment), now)


def _save(record: DeploymentRecord) -> None:
    try:
        team_store(record.team).commit([Put(record)])
    except ConditionFailed:
        return  # somebody else changed it, and the sweep tells it
