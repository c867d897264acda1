"""Reads the traffic metrics of a placed environment for the API, which does not load the Kubernetes client itself."""

from __future__ import annotations

from typing import Any

from chalicelib.deployments.tasks import target_of
from chalicelib.platform.fartraffic import packed
from chalicelib.projects.service import ServiceKey
from functions.observed import observed
from functions.ports import rollout_ports


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """What the gateway of the environment's cluster counted for these backends, as JSON-able values."""
    target = target_of(ServiceKey.from_dict(event))
    return packed(rollout_ports(event).metrics.read(target.namespace, event["backends"]))
