"""What the API takes and gives about deployments and releases."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from chalicelib.platform.schema import Cursor, Input, Moment, NextCursor, Output

SourceId = Annotated[
    str, StringConstraints(pattern=r"^src_[0-9A-HJKMNP-TV-Z]{26}$"), Field(description="Id of an uploaded source.")
]
ReleaseNumber = Annotated[int, Field(ge=1, le=999_999, description="Number of a release of the service.")]

State = Literal[
    "awaiting_approval",
    "queued",
    "building",
    "rolling_out",
    "promoted",
    "rolled_back",
    "failed",
    "cancelled",
    "superseded",
]


class NewDeployment(Input):
    """What to deploy: a source, or the live release again with the newest config."""

    source: SourceId | None = None
    redeploy: bool = Field(False, description="Deploy the live release's image again, with the newest config.")
    message: str = Field("", max_length=500, description="A sentence for people: a commit's subject.")
    commit: str = Field("", max_length=64, pattern=r"^[0-9a-f]*$", description="Git commit of the source.")
    override_freeze: bool = Field(False, description="Deploy though the environment is frozen; for who may lift the freeze.")

    @model_validator(mode="after")
    def _one_of(self) -> NewDeployment:
        if (self.source is None) == (not self.redeploy):
            raise ValueError("give either `source` or `redeploy: true`")
        return self


class NewRollback(Input):
    """The release to return to; by default the one that was live before the present one."""

    release: ReleaseNumber | None = None


class EventView(Output):
    """One entry of a deployment's timeline."""

    seq: int
    at: Moment
    kind: str = Field(description="Stable name: queued, building, built, applied, ready, shifted, verdict, promoted, …")
    message: str
    by: str | None = Field(description="Who asked for it, when a person or a machine did.")


class RolloutView(Output):
    """Where a rollout stands."""

    phase: str
    step: int = Field(description="Index of the present step, from 0.")
    steps: tuple[int, ...] = Field(description="Weights of all steps, in percent.")
    weight: int = Field(description="Percent of requests sent to the new release.")
    paused: bool
    reason: str


class DeploymentView(Output):
    """One attempt to take a release to production."""

    id: str
    project: str
    environment: str
    service: str
    kind: Literal["deploy", "redeploy", "rollback"]
    state: State
    ended: bool
    release: int = Field(description="Number of the release this deployment makes.")
    stable_release: int | None = Field(description="The release that had the traffic when this one began.")
    source: str | None
    image: str | None = Field(description="The image by digest, once it is known.")
    message: str
    commit: str
    requested: str | None = Field(description="What was asked for and is being done: abort, pause, resume or promote.")
    rollout: RolloutView | None
    outcome: str | None = Field(description="Why it ended as it did.")
    url: str
    created_at: Moment
    ended_at: Moment | None
    created_by: str
    approved_by: str | None = Field(description="Who let it into production, where it had to be approved.")
    version: int = Field(description="Rises with each change; the ETag.")


class DeploymentPage(Output):
    """A page of deployments, newest first."""

    items: tuple[DeploymentView, ...]
    next_cursor: NextCursor = None


class TimelineQuery(Input):
    """Where reading a timeline continues."""

    cursor: Cursor | None = None
    limit: int = Field(100, ge=1, le=200, description="Most events in the answer.")


class TimelineView(Output):
    """Events since the cursor, oldest first; `next_cursor` always continues from here."""

    items: tuple[EventView, ...]
    next_cursor: Cursor
    ended: bool = Field(description="Whether the deployment has ended and no more will come.")
    state: State


class ReleaseView(Output):
    """A release: one record of the whole."""

    number: int
    deployment: str
    image: str
    config_version: int
    spec: dict[str, Any]
    live: bool
    created_at: Moment


class ReleasePage(Output):
    """A page of releases, newest first."""

    items: tuple[ReleaseView, ...]
    next_cursor: NextCursor = None


class LogQuery(Input):
    """Which log lines to read."""

    cursor: Cursor | None = None
    release: ReleaseNumber | None = None
    limit: int = Field(200, ge=1, le=1000, description="Most lines in the answer.")


class LogLineView(Output):
    """One line that an instance wrote."""

    at: Moment
    release: int
    instance: str
    text: str


class LogView(Output):
    """Lines since the cursor, oldest first; `next_cursor` always continues from here."""

    items: tuple[LogLineView, ...]
    next_cursor: Cursor
