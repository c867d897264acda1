"""Removes a deleted service: first what runs, then what is recorded, so that nothing runs that nobody knows of."""

from __future__ import annotations

from typing import Any

from chalicelib.deployments import tasks as deployments
from chalicelib.projects.service import ServiceKey, forget_service
from chalicelib.runtime import service as runtime
from functions.observed import observed
from functions.ports import rollout_ports


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """Takes the service's names. Removing what is gone is no error."""
    key = ServiceKey.from_dict(event)
    runtime.remove_service(rollout_ports(event).cluster, deployments.target_of(key))
    deployments.forget_deployments(key)
    forget_service(key)
