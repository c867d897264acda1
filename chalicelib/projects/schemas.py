"""What the API takes and gives about projects, environments, services, config and app files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator

from chalicelib.platform.names import Name
from chalicelib.platform.schema import Input, Moment, NextCursor, Output
from chalicelib.projects.rules import EnvironmentKind
from chalicelib.projects.spec import ServiceName, VariableName, VariableValue

Description = Annotated[str, StringConstraints(max_length=500), Field(description="A sentence for people.")]


class NewProject(Input):
    """A project to create; it begins with the environment `prod`."""

    name: Name
    description: Description = ""


class NewEnvironment(Input):
    """An environment to create in a project."""

    name: Name
    kind: EnvironmentKind | None = Field(
        None, description="What it is for; it stays so. By default by its name: prod, preview-… and pr-…, else staging."
    )
    description: Description = ""


class NewService(Input):
    """A service to create in an environment."""

    name: ServiceName
    description: Description = ""


class Describe(Input):
    """The new description of a project, an environment or a service."""

    description: Description


class ProjectView(Output):
    """A project."""

    name: str
    description: str
    created_at: Moment
    version: int = Field(description="Rises with each change; the ETag.")


class ProjectPage(Output):
    """A page of projects by name."""

    items: tuple[ProjectView, ...]
    next_cursor: NextCursor = None


class NewFreeze(Input):
    """A time in which no release begins. Without `begins` it begins now."""

    begins: datetime | None = None
    until: datetime
    reason: str = Field(min_length=1, max_length=200, description="A sentence for those who cannot deploy then.")

    @field_validator("begins", "until")
    @classmethod
    def _with_a_zone(cls, moment: datetime | None) -> datetime | None:
        return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


class FreezeView(Output):
    """A time in which no release begins."""

    begins: Moment
    until: Moment
    reason: str


class EnvironmentView(Output):
    """An environment of a project."""

    project: str
    name: str
    kind: EnvironmentKind = Field(description="In production, what a Developer does waits for an approval or an Admin.")
    description: str
    freezes: tuple[FreezeView, ...] = Field((), description="Times in which no release begins, by their beginning.")
    cluster: str | None = Field(None, description="The registered cluster that it is placed on; null: the installation's own.")
    created_at: Moment
    version: int = Field(description="Rises with each change; the ETag.")


class EnvironmentPage(Output):
    """A page of environments by name."""

    items: tuple[EnvironmentView, ...]
    next_cursor: NextCursor = None


class ServiceView(Output):
    """A service, with its live release and its queue."""

    project: str
    environment: str
    name: str
    description: str
    url: str = Field(description="Where the live release answers.")
    live_release: int | None = Field(description="Number of the release that has the traffic; null before the first.")
    active_deployment: str | None = Field(description="Deployment under way.")
    waiting_deployment: str | None = Field(description="Deployment that begins when the active one ends.")
    deleting: bool
    created_at: Moment
    version: int = Field(description="Rises with each change; the ETag.")


class ServicePage(Output):
    """A page of services by name."""

    items: tuple[ServiceView, ...]
    next_cursor: NextCursor = None


class ConfigChange(Input):
    """Variables to set and to remove; the rest stays. Applies from the next deployment on."""

    set: dict[VariableName, VariableValue] = Field(default_factory=dict, max_length=200)
    unset: tuple[VariableName, ...] = Field((), max_length=200)


class ConfigView(Output):
    """A service's config variables, and the version a release refers to."""

    version: int = Field(description="0 before the first change; rises with each. The ETag.")
    values: dict[str, str]
    changed_at: Moment | None


class AppFileText(Input):
    """The text of a cygni.yaml."""

    text: str = Field(max_length=65_536)


class AppFileView(Output):
    """A cygni.yaml that keeps all rules, with every default written out."""

    app: dict[str, Any]


class AppFileDraft(Input):
    """What a starter cygni.yaml is made of."""

    name: Name
    service: Name = "web"
    start: str | None = Field(None, max_length=1024)
    port: int = Field(8080, ge=1, le=65_535)


class AppFileTextView(Output):
    """A starter cygni.yaml."""

    text: str
