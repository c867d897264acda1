"""Builds from source to image: the façade of this context."""

from __future__ import annotations

from chalicelib.builds.forgetting import forget_builds
from chalicelib.builds.listing import MARKERS
from chalicelib.builds.logs import LogPiece, read_log
from chalicelib.builds.preview import dockerfile_of, preview_plan
from chalicelib.builds.runs import (
    Build,
    build_address,
    build_id_of,
    build_of,
    cancel_build,
    finish_build,
    get_build,
    open_build,
    plan_build,
    start_build,
)
from chalicelib.builds.sources import Source, Upload, create_source, get_source, source_address, source_of

__all__ = [
    "MARKERS",
    "Build",
    "LogPiece",
    "Source",
    "Upload",
    "build_address",
    "build_id_of",
    "build_of",
    "cancel_build",
    "create_source",
    "dockerfile_of",
    "finish_build",
    "forget_builds",
    "get_build",
    "get_source",
    "open_build",
    "plan_build",
    "preview_plan",
    "read_log",
    "source_address",
    "source_of",
    "start_build",
]
