"""What the API takes and gives about sources and builds."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from chalicelib.platform.names import Name
from chalicelib.platform.schema import Cursor, Input, Moment, Output

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$"), Field(description="SHA-256 in lower-case hex.")]


class NewSource(Input):
    """An archive (tar.gz) about to be uploaded."""

    sha256: Sha256
    size: int = Field(ge=1, description="Bytes of the archive.")
    environment: Name | None = Field(None, description="With `service`: the one that it is for.")
    service: Name | None = Field(None, description="The one service that may deploy it, and that it is removed with.")

    @model_validator(mode="after")
    def _both_or_none(self) -> NewSource:
        if (self.environment is None) != (self.service is None):
            raise ValueError("give both `environment` and `service`, or neither")
        return self


class Upload(Output):
    """The request that uploads the archive: send it as it stands, with the archive as its body."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: Moment


class SourceView(Output):
    """A source archive."""

    id: str
    sha256: str
    size: int
    created_at: Moment
    upload: Upload


class ListedFile(Input):
    """One file of a listing; `text` only for the small files that decide how an app is built."""

    path: str = Field(min_length=1, max_length=1024)
    text: str | None = Field(None, max_length=65_536)


class PlanRequest(Input):
    """A listing to plan a build from, without building."""

    service: Name = "web"
    files: tuple[ListedFile, ...] = Field(max_length=20_000)


class PlanView(Output):
    """How a source would be built."""

    kind: str = Field(description="dockerfile, python, node, go or static.")
    summary: str = Field(description="One sentence for people.")
    start: str | None = Field(description="The command that starts the service; null when its Dockerfile says.")
    start_from: str | None = Field(description="Where that command was found.")
    dockerfile: str | None = Field(description="The generated Dockerfile; null when the source has its own.")


class BuildLogQuery(Input):
    """Where reading a build log continues."""

    cursor: Cursor | None = None


class BuildLogView(Output):
    """Lines of a build log since the cursor."""

    lines: tuple[str, ...]
    next_cursor: Cursor
    complete: bool = Field(description="Whether the build has ended and nothing more will come.")
