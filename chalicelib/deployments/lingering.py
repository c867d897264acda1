"""What has no traffic any more, and what is not to have any yet: stopped before a release starts, or kept for a while after.

A workflow asks again and again, a slice of time at once; when the waiting is over is in the deployment's record.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.progress import Ports, Task, state_of, strategy, take_request
from chalicelib.deployments.releases import target_of
from chalicelib.deployments.workflow import load
from chalicelib.projects.service import get_lane
from chalicelib.rollouts.service import Phase
from chalicelib.runtime import service as runtime

LOOK_SECONDS = 3.0
"""How often a rollout that only waits looks whether somebody aborted it."""


def stable_stopped(record: DeploymentRecord, ports: Ports) -> bool:
    """Whether the release may start: at once, but for one that is recreated, for which what is live stops first.

    False when its instances need more time to end.
    """
    if record.stable is None or not strategy(record).recreate:
        return True
    ends = ports.clock() + timedelta(seconds=ports.settings.ready_slice)
    while not runtime.stop(ports.cluster, target_of(record.key), int(record.stable)):
        if ports.clock() >= ends:
            return False
        ports.sleep(0.5)
    return True


def linger(record: DeploymentRecord, now: datetime) -> bool:
    """Notes until when what has no traffic runs on, if it does; the caller saves."""
    delay = strategy(record).scale_down_delay
    record.deadline = now + timedelta(seconds=delay) if delay else None
    return delay > 0


def lingers(record: DeploymentRecord, event: Task, ports: Ports) -> bool:
    """Waits for a slice of time; True when what has no traffic is to run on after it, or a person aborted in the meantime.

    A rollout that turns back has been aborted as far as it can be, and of a service that is being deleted nothing runs on.
    """
    if not strategy(record).scale_down_delay:
        return False
    ends, before = ports.clock() + timedelta(seconds=ports.settings.ready_slice), state_of(record).phase
    while record.deadline is not None and ports.clock() < record.deadline:
        if ports.clock() >= ends:
            return True
        if get_lane(record.key).closed:
            return False
        ports.sleep(LOOK_SECONDS)
        record = load(event)
        if before is Phase.SETTLING and take_request(record, ports.clock()):
            return True
    return False
