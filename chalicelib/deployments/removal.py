"""Removing what a deleted service leaves behind in the table."""

from __future__ import annotations

from chalicelib.deployments.models import DeploymentRecord, ReleaseRecord, deployments_pk, releases_pk
from chalicelib.platform.table import Record, page
from chalicelib.projects.service import ServiceKey


def forget_deployments(key: ServiceKey) -> None:
    """Removes a service's deployments and releases. Removing them twice is no error."""
    _clear(DeploymentRecord, deployments_pk(key), "dep_")
    _clear(ReleaseRecord, releases_pk(key), "RELEASE#")


def _clear(model: type[Record], pk: str, prefix: str) -> None:
    while True:
        records, _ = page(model, pk, prefix, cursor=None, limit=100)
        if not records:
            return
        for record in records:
            record.delete(add_version_condition=False)
