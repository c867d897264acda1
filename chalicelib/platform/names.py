"""What names look like that people give."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

Name = Annotated[
    str,
    StringConstraints(pattern=r"^[a-z](-?[a-z0-9])*$", min_length=1, max_length=30),
    Field(description="Lower-case letters, digits and single hyphens, beginning with a letter; 30 characters at most."),
]
"""A name in a path or a host: unique among its siblings, never changed."""
