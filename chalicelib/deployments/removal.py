"""Removing what a deleted service leaves behind in the table."""

from __future__ import annotations

from chalicelib.deployments.models import DeploymentRecord, ReleaseRecord, deployments_pk, releases_pk
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Record, Remove
from chalicelib.projects.service import ServiceKey


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
