"""Removes a deleted service from its cluster and from the records."""

from __future__ import annotations

from typing import Any

from chalicelib.deployments import tasks as deployments
from chalicelib.platform.storage import Storage
from chalicelib.projects.service import ServiceKey
from functions.observed import observed
from functions.ports import rollout_ports


@observed
def handler(event: dict[str, Any], _context: object) -> None:
    """Takes the service's names. A service whose deployment is still under way is left to that deployment's end.

    What is left after a while is removed when the sweep asks again.
    """
    ports = rollout_ports(event)
    deployments.remove_service(ServiceKey.from_dict(event), ports.cluster, Storage(ports.settings.bucket), ports.clock)
