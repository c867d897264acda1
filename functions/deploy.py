"""The first and the last task of the deploy workflow."""

from __future__ import annotations

from typing import Any

from chalicelib.deployments import tasks as deployments
from chalicelib.platform.clock import utc_now
from chalicelib.platform.events import EventBus
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.workflows import Workflows
from functions.observed import observed


@observed
def begin(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Says whether the deployment needs a build."""
    return deployments.begin(event, now=utc_now())


@observed
def finish(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Records how the deployment ended, and lets the next begin."""
    return deployments.finish(event, workflows=Workflows(), functions=Functions(), bus=EventBus(), now=utc_now())
