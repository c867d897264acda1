"""Every minute: workflows and removals that should be running and are not are started again."""

from __future__ import annotations

from typing import Any

from chalicelib.deployments import tasks as deployments
from chalicelib.platform.clock import utc_now
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.workflows import Workflows
from functions.observed import observed


@observed
def handler(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Answers how many were started again."""
    return {"started": deployments.sweep(workflows=Workflows(), functions=Functions(), now=utc_now())}
