"""One build, as a CodeBuild job carries it out: source and plan from the bucket, the local builder, result and log back."""

from __future__ import annotations

import json
import logging
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from chalicelib.builds.buildspec import plan_of
from chalicelib.builds.plan import BuildPlan
from chalicelib.platform.aws import client
from chalicelib.platform.errors import BuildFailed, CygniError
from cygni.local.cloud.buildlog import BuildLog

LOG = logging.getLogger("cloud.builds")


class Builder(Protocol):
    """What makes an image of a source and a plan, such as `cygni.local.builder.build.build`."""

    def __call__(
        self,
        source_tgz: Path,
        plan: BuildPlan,
        images: Path,
        work: Path,
        cache: Path,
        log: Callable[[str], None],
        cancelled: threading.Event,
        timeout: int,
    ) -> str: ...


@dataclass(frozen=True, slots=True)
class Folders:
    """Where images are put, builds work, and what later builds profit from is kept."""

    images: Path
    work: Path
    cache: Path


@dataclass(frozen=True, slots=True)
class Job:
    """A build to carry out. `variables` are the environment variables it was started with, `timeout` is seconds."""

    id: str
    variables: Mapping[str, str]
    timeout: int


def carry_out(job: Job, build: Builder, folders: Folders, cancelled: threading.Event) -> str:
    """Builds, and answers how that ended as CodeBuild names it: SUCCEEDED, FAILED or STOPPED.

    The result object holds {"digest"} or {"error", "code", "reason"}; it is written before this returns.
    """
    bucket, key = job.variables["SOURCE_BUCKET"], job.variables["RESULT_KEY"]

    def put_log(text: bytes) -> None:
        client("s3").put_object(Bucket=bucket, Key=job.variables["LOG_KEY"], Body=text, ContentType="text/plain")

    with BuildLog(put_log) as log:
        try:
            result = {"digest": _build(job, build, folders, cancelled, log.line)}
            status = "SUCCEEDED"
        except CygniError as error:
            result, status = _failure(error, error.message), "FAILED"
        except Exception as error:  # broad: a fault of the builder ends the build, and must not leave it running for ever
            LOG.exception("build %s broke down", job.id)
            result, status = _failure(BuildFailed(""), f"The builder broke down: {type(error).__name__}: {error}"), "FAILED"
        if cancelled.is_set():
            result, status = _failure(BuildFailed(""), "The build was stopped."), "STOPPED"
        if "error" in result:
            log.line(result["error"])
    client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(result).encode(), ContentType="application/json")
    return status


def _build(job: Job, build: Builder, folders: Folders, cancelled: threading.Event, log: Callable[[str], None]) -> str:
    bucket = job.variables["SOURCE_BUCKET"]
    plan = json.loads(client("s3").get_object(Bucket=bucket, Key=job.variables["PLAN_KEY"])["Body"].read())
    folders.work.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folders.work, prefix="source-", suffix=".tar.gz") as source:
        body = client("s3").get_object(Bucket=bucket, Key=job.variables["SOURCE_KEY"])["Body"]
        for piece in iter(lambda: body.read(1024 * 1024), b""):
            source.write(piece)
        source.flush()
        return build(
            Path(source.name),
            plan_of(plan),
            folders.images,
            folders.work,
            folders.cache,
            log,
            cancelled,
            job.timeout,
        )


def _failure(error: CygniError, message: str) -> dict[str, str]:
    text = "\n".join(line for line in (message, error.remedy) if line)
    return {"error": text, "code": error.code, "reason": type(error).__name__}
