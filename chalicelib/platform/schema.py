"""Bases of what the API takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, StringConstraints

from chalicelib.platform.clock import iso

Moment = Annotated[
    datetime,
    PlainSerializer(iso, return_type=str),
    Field(json_schema_extra={"format": "date-time"}, description="ISO 8601 in UTC with milliseconds."),
]
Cursor = Annotated[str, StringConstraints(max_length=1024), Field(description="Opaque place in a list, from an earlier page.")]
NextCursor = Annotated[Cursor | None, Field(description="Where the next page begins; null on the last.")]
"""Each list declares its own page: a generic one would be built for every list while the API is imported."""


class Input(BaseModel):
    """A request body or query: unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Output(BaseModel):
    """An answer. Validators are built at first use, which halves the time that importing the API takes."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class PageQuery(Input):
    """Where a page of a list begins and how long it is."""

    cursor: Cursor | None = None
    limit: int = Field(50, ge=1, le=100, description="Most items in the page.")
