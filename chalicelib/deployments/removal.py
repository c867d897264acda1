"""Removing a deleted service: first what runs, then what is recorded, so that nothing runs that nobody knows of.

1. A page of deployments goes when their evidence, their builds and what is in the bucket of them are gone; the service's own
   record goes last. So whoever is interrupted, or has no more time, is asked again and goes on.
2. The sweep asks again each minute for a service that is being deleted and has nothing under way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from chalicelib.builds.service import forget_builds
from chalicelib.deployments.models import DeploymentRecord, ReleaseRecord, deployments_pk, releases_pk
from chalicelib.deployments.releases import target_of
from chalicelib.platform.clearing import clear
from chalicelib.platform.clock import Clock
from chalicelib.platform.kubeport import Cluster
from chalicelib.platform.storage import Storage
from chalicelib.platform.store import team_store
from chalicelib.projects.service import ServiceKey, forget_config, forget_service, held_service
from chalicelib.rollouts.service import forget_evidence
from chalicelib.runtime import service as runtime

LONGEST = timedelta(seconds=45)
"""How long records are removed at a time: less than what removes them may take, and less than until it is asked again."""


def remove_service(key: ServiceKey, cluster: Cluster, storage: Storage, clock: Clock) -> bool:
    """Removes the service from its cluster, its records and what is its own in the bucket; says whether all of it is gone.

    It does not begin while a deployment is under way, whose end asks again, nor for a service that nobody deletes: one that was
    made anew by the time an old request for its removal comes. Removing what is gone is no error.
    """
    service = held_service(key)
    if service is not None and (not service.deleting or service.lane.active is not None):
        return False
    runtime.remove_service(cluster, target_of(key))
    ends = clock() + LONGEST
    if not _forget(key, storage, lambda: clock() < ends):
        return False
    forget_service(key)
    return True


def _forget(key: ServiceKey, storage: Storage, more: Callable[[], bool]) -> bool:
    """Removes what is recorded of a service but itself; False when there was no time for all of it."""
    store = team_store(key.team)

    def with_evidence(records: Sequence[DeploymentRecord]) -> bool:
        if not all(forget_evidence(store, key.team, record.id, more=more) for record in records):
            return False
        forget_builds(store, key, {record.id: record.source for record in records}, storage=storage)
        return True

    return (
        clear(store, DeploymentRecord, deployments_pk(key), "dep_", more=more, first=with_evidence)
        and clear(store, ReleaseRecord, releases_pk(key), "RELEASE#", more=more)
        and forget_config(store, key, more=more)
    )
