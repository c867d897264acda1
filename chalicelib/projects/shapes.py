"""What all shapes of `cygni.yaml` have in common: their base, and lengths of time."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

Duration = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,5}(s|m|h)$"),
    Field(description="A whole number with its unit: 30s, 10m or 1h."),
]


def seconds(duration: str) -> int:
    """The seconds in a `Duration` such as `30s`, `10m` or `1h`."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


class Shape(BaseModel):
    """Base of the app file's shapes: camelCase in the file, snake_case here, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, defer_build=True)
