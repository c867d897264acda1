"""Removing a deleted service: first what runs, then what is recorded, so that nothing runs that nobody knows of."""

from __future__ import annotations

from chalicelib.deployments.models import DeploymentRecord, ReleaseRecord, deployments_pk, releases_pk
from chalicelib.deployments.releases import target_of
from chalicelib.platform.kubeport import Cluster
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Record, Remove
from chalicelib.projects.service import ServiceKey, forget_service, held_service
from chalicelib.runtime import service as runtime


def remove_service(key: ServiceKey, cluster: Cluster) -> bool:
    """Removes the service from its cluster and its records; says whether it did.

    It does not while a deployment is under way, whose end asks again, nor for a service that nobody deletes: one that was made
    anew by the time an old request for its removal comes. Removing what is gone is no error.
    """
    service = held_service(key)
    if service is not None and (not service.deleting or service.lane.active is not None):
        return False
    runtime.remove_service(cluster, target_of(key))
    forget_deployments(key)
    forget_service(key)
    return True


def forget_deployments(key: ServiceKey) -> None:
    """Removes a service's deployments and releases. Removing them twice is no error."""
    _clear(key.team, DeploymentRecord, deployments_pk(key), "dep_")
    _clear(key.team, ReleaseRecord, releases_pk(key), "RELEASE#")


def _clear(team: str, model: type[Record], pk: str, prefix: str) -> None:
    store = team_store(team)
    while True:
        records, _ = store.page(model, pk, prefix, cursor=None, limit=100)
        if not records:
            return
        store.commit([Remove(model, record.pk, record.sk) for record in records])
