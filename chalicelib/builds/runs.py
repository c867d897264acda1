"""One build, from plan to digest. Its record is the truth; the workflow carries ids only.

Every function here may run twice: a build that has ended stays as it ended. What only planning needs is imported there, since
the API imports this module too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from chalicelib.builds.models import BUILD, BuildRecord, build_pk, source_key
from chalicelib.builds.preview import spec_of
from chalicelib.platform import errors
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.errors import BuildFailed, CygniError, Failed, LostRace, NotFound
from chalicelib.platform.ids import tag_of
from chalicelib.platform.logs import bind
from chalicelib.platform.settings import Settings
from chalicelib.platform.storage import Storage
from chalicelib.platform.store import Store, team_store
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import ServiceKey, ServiceSpec

if TYPE_CHECKING:
    from chalicelib.builds.plan import BuildPlan

ENDED = frozenset({"succeeded", "failed", "cancelled"})
TRIES = 6
"""Times a write decides anew when another writer was first."""
_LONGEST = 4000
"""Characters kept of what a build says went wrong: its result is a stranger's to write."""


@dataclass(frozen=True, slots=True)
class Build:
    """A build. `image` is `repository@sha256:…` once it succeeded; `command` is None when the image has its own."""

    id: str
    team: str
    state: str
    job: str | None
    image: str | None
    spec: ServiceSpec | None
    command: tuple[str, ...] | None
    error: str | None
    error_code: str | None
    source: str

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in ENDED

    @property
    def source_key(self) -> str:
        """Where the source's bytes are in the bucket."""
        return source_key(self.team, self.source)


def build_id_of(deployment: str) -> str:
    """The id of a deployment's build: named after it, so that the same deployment never builds twice."""
    return "bld_" + deployment.partition("_")[2]


def deployment_of(build: str) -> str:
    """The id of the deployment that a build is of."""
    return "dep_" + build.partition("_")[2]


def plan_key(team: str, build: str) -> str:
    """Where a build's plan is in the bucket."""
    return f"{team}/builds/{build}/plan.json"


def result_key(team: str, build: str) -> str:
    """Where the builder leaves a build's result."""
    return f"{team}/builds/{build}/result.json"


def log_key(team: str, build: str) -> str:
    """Where a builder that can leaves a build's log."""
    return f"{team}/builds/{build}/log.txt"


def open_build(key: ServiceKey, build: str, *, source: str, now: datetime, request: str = "") -> None:
    """Records that a build is to be made. Opening it twice is opening it once. `request` is the id that log lines go by."""
    record = BuildRecord(build_pk(key.team, build), BUILD, id=build, team=key.team, project=key.project, service=key.service)
    record.source, record.state, record.started_at, record.request = source, "open", now, request or None
    try:
        team_store(key.team).commit([Put(record)])
    except ConditionFailed:
        if team_store(key.team).fetch(BuildRecord, build_pk(key.team, build), BUILD) is None:
            raise


def get_build(team: str, build: str) -> Build:
    """One build. Raises NotFound."""
    return build_of(_load(team, build))


def build_address(team: str, build: str) -> tuple[type[BuildRecord], str, str]:
    """Where a build's record is, for a read of several records at once."""
    return BuildRecord, build_pk(team, build), BUILD


def plan_build(team: str, build: str, *, storage: Storage, now: datetime) -> None:
    """Decides how the source is built and stores the plan.

    Raises SourceRefused, AppFileRefused or BuildRefused, after recording it as the build's end.
    """
    record = _load(team, build)
    _bind(record)
    if record.state in ENDED:
        _raise_end(record)
        return
    try:
        spec, plan = _decide(build_of(record), record.service, storage)
    except Failed as refused:
        _end(record, "failed", now, error=_told(refused), code=refused.code)
        team_store(team).commit([Put(record)])
        raise
    from chalicelib.builds.buildspec import document

    storage.write_json(plan_key(team, build), document(plan))
    record.spec = spec.model_dump(mode="json", by_alias=True)
    record.command = list(plan.command)
    team_store(team).commit([Put(record)])


def start_build(team: str, build: str, token: str, *, builders: Builders, workflows: Workflows, settings: Settings) -> None:
    """Starts the build, whose end will answer `token`. A build that has ended answers at once."""
    from chalicelib.builds.buildspec import buildspec

    record = _change(team, build, lambda record: _await(record, token))
    _bind(record)
    if record.state in ENDED:
        record.token = token
        _answer(record, workflows)
        return
    job = builders.start(
        build, _variables(record, settings), buildspec=buildspec(settings.kaniko_image), timeout=settings.build_timeout
    )
    # A quick build may have ended by now: its end is kept, and it was answered to the token filed above.
    if _change(team, build, lambda record: _name_job(record, job)).state == "cancelled":
        builders.stop(job)


def finish_build(event: Mapping[str, Any], *, storage: Storage, workflows: Workflows, now: datetime) -> None:
    """Takes a builder's event: records how the build ended and answers the workflow that waits."""
    detail = event["detail"]
    status = detail["build-status"]
    variables = {
        each["name"]: each["value"] for each in detail["additional-information"]["environment"]["environment-variables"]
    }
    if status == "IN_PROGRESS" or "CYGNI_BUILD" not in variables:
        return
    result = storage.read_json(result_key(variables["CYGNI_TEAM"], variables["CYGNI_BUILD"])) or {}

    def conclude(record: BuildRecord) -> None:
        _conclude(record, status, variables["IMAGE"], result, now)

    record = _change(variables["CYGNI_TEAM"], variables["CYGNI_BUILD"], conclude)
    _bind(record)
    _answer(record, workflows)


def cancel_build(store: Store, team: str, build: str, *, builders: Builders, now: datetime) -> None:
    """Stops a build that has not ended; its processes are killed. Cancelling what has ended or never was is no error."""
    said = "The build was cancelled."
    try:
        record = _change(
            team, build, lambda record: _end(record, "cancelled", now, error=said, code=BuildFailed.code), store=store
        )
    except NotFound:
        return
    if record.state == "cancelled" and record.job is not None:
        builders.stop(record.job)


def _decide(build: Build, service: str, storage: Storage) -> tuple[ServiceSpec, BuildPlan]:
    import tempfile

    from chalicelib.builds import rules
    from chalicelib.builds.archive import DEFAULT_LIMITS, list_source

    with tempfile.TemporaryFile() as archive:
        storage.download(build.source_key, archive)
        archive.seek(0)
        listing = list_source(archive, DEFAULT_LIMITS)
    spec = spec_of(listing, service)
    return spec, rules.plan(listing, spec, service)


def _variables(record: BuildRecord, settings: Settings) -> dict[str, str]:
    repository = f"{settings.registry}/{tag_of(record.team)}/{record.project}/{record.service}"
    return {
        "CYGNI_TEAM": record.team,
        "CYGNI_BUILD": record.id,
        "SOURCE_BUCKET": settings.bucket,
        "SOURCE_KEY": source_key(record.team, record.source),
        "PLAN_KEY": plan_key(record.team, record.id),
        "RESULT_KEY": result_key(record.team, record.id),
        "LOG_KEY": log_key(record.team, record.id),
        "IMAGE": repository,
        "CACHE_REPO": f"{repository}/cache",
    }


def _conclude(record: BuildRecord, status: str, repository: str, result: dict[str, Any], now: datetime) -> None:
    digest = str(result.get("digest", ""))
    if status == "SUCCEEDED" and digest.startswith("sha256:"):
        record.image = f"{repository}@{digest}"
        _end(record, "succeeded", now)
        return
    told = {"STOPPED": "The build was stopped.", "TIMED_OUT": "The build took longer than it may."}
    error = str(result.get("error") or told.get(status) or "The build failed; its log says why.")[:_LONGEST]
    _end(record, "failed", now, error=error, code=str(result.get("code") or BuildFailed.code))


def _answer(record: BuildRecord, workflows: Workflows) -> None:
    if record.token is None:
        return
    if record.state == "succeeded":
        workflows.succeed(record.token, {"team": record.team, "build": record.id})
    else:
        workflows.fail(record.token, BuildFailed.__name__, record.error or "")


def _raise_end(record: BuildRecord) -> None:
    """A build that ended badly raises what ended it, so that a step that runs twice ends alike."""
    if record.state != "succeeded":
        kinds = {kind.code: kind for kind in (errors.SourceRefused, errors.AppFileRefused, errors.BuildRefused)}
        raise kinds.get(record.error_code or "", BuildFailed)(record.error or "The build has ended.")


def _change(team: str, build: str, change: Callable[[BuildRecord], None], *, store: Store | None = None) -> BuildRecord:
    """Changes a build that has not ended, deciding anew when another writer was first. One that has ended stays as it is.

    The builder's event, a person's abort and the workflow all write here, and an event that loses would come again only
    a minute later.
    """
    bound = store or team_store(team)
    for _ in range(TRIES):
        record = _load(team, build, bound)
        if record.state in ENDED:
            return record
        change(record)
        try:
            bound.commit([Put(record)])
            return record
        except ConditionFailed:
            continue
    raise LostRace(f"Build {build} changes too quickly just now.")


def _bind(record: BuildRecord) -> None:
    """What is logged from here on carries the ids of the build, its deployment, and the request that asked for that."""
    bind(team=record.team, build=record.id, deployment=deployment_of(record.id), correlation_id=record.request)


def _await(record: BuildRecord, token: str) -> None:
    record.token, record.state = token, "running"


def _name_job(record: BuildRecord, job: str) -> None:
    record.job = job


def _end(record: BuildRecord, state: str, now: datetime, *, error: str | None = None, code: str | None = None) -> None:
    record.state, record.ended_at, record.error, record.error_code = state, now, error, code


def _told(error: CygniError) -> str:
    lines = [error.message, *(f"{each.field}: {each.message} {each.remedy}".strip() for each in error.fields), error.remedy]
    return "\n".join(line for line in lines if line)


def _load(team: str, build: str, store: Store | None = None) -> BuildRecord:
    record = (store or team_store(team)).fetch(BuildRecord, build_pk(team, build), BUILD)
    if record is None:
        raise NotFound(f"There is no build {build}.")
    return record


def build_of(record: BuildRecord) -> Build:
    """The build that a record holds."""
    spec = None if record.spec is None else ServiceSpec.model_validate(record.spec)
    command = tuple(record.command) if record.command else None
    return Build(
        record.id,
        record.team,
        record.state,
        record.job,
        record.image,
        spec,
        command,
        record.error,
        record.error_code,
        record.source,
    )
