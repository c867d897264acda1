"""Tasks of the build workflow, and the consumer of the builder's events."""

from __future__ import annotations

from typing import Any

from chalicelib.builds import service as builds
from chalicelib.platform.clock import utc_now
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.settings import settings
from chalicelib.platform.storage import Storage
from chalicelib.platform.workflows import Workflows
from functions.observed import observed


@observed
def plan(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Decides how the source is built."""
    builds.plan_build(event["team"], event["build"], storage=Storage(settings().bucket), now=utc_now())
    return {"build": event["build"]}


@observed
def start(event: dict[str, Any], _context: object) -> dict[str, str]:
    """Starts the build, whose end answers the task token."""
    known = settings()
    builders = Builders(known.build_project)
    builds.start_build(event["team"], event["build"], event["token"], builders=builders, workflows=Workflows(), settings=known)
    return {"build": event["build"]}


@observed
def finished(event: dict[str, Any], _context: object) -> None:
    """Takes the event that says how a build ended."""
    builds.finish_build(event, storage=Storage(settings().bucket), workflows=Workflows(), now=utc_now())
