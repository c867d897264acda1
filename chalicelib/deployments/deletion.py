"""Deleting a service, also one whose deployment is under way.

1. First its lane is closed: from then on nothing enters it, and what waits or runs is the last.
2. What waits leaves the queue, and what is under way is aborted: a rollout first gives the stable release all the traffic.
3. What runs and what is recorded goes when the lane is empty, and not before: no task of a rollout writes behind the removal.

Deleting twice is deleting once, and goes on where the first was interrupted.
"""

from __future__ import annotations

from datetime import datetime

from chalicelib.deployments.controls import abort_unless_over
from chalicelib.deployments.lifecycle import TRIES
from chalicelib.identity.principal import Principal
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.errors import LostRace
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.table import ConditionFailed
from chalicelib.projects.service import Lane, Service, ServiceKey, get_service, mark_deleting

REMOVE = "cygni-remove-service"
"""The function that removes what a closed, empty lane leaves."""


def delete_service(who: Principal, key: ServiceKey, *, builders: Builders, functions: Functions, now: datetime) -> Service:
    """Closes the service's lane, aborts what is in it, and has the rest removed. Raises NotFound, LostRace."""
    service = _close(who, key)
    under_way = [each for each in (service.lane.waiting, service.lane.active) if each is not None]
    for deployment in under_way:
        abort_unless_over(who, key, deployment, builders=builders, now=now)
    if under_way:
        service = get_service(who, key)
    remove_when_empty(key, service.lane, functions)
    return service


def remove_when_empty(key: ServiceKey, lane: Lane, functions: Functions) -> bool:
    """Has the service of a closed, empty lane removed; says whether it was one. Asking twice does no harm."""
    if not lane.closed or lane.active is not None:
        return False
    functions.send(REMOVE, key.to_dict())
    return True


def _close(who: Principal, key: ServiceKey) -> Service:
    for _ in range(TRIES):
        try:
            return mark_deleting(who, key)
        except ConditionFailed:
            continue
    raise LostRace("The service changes too quickly just now.")
