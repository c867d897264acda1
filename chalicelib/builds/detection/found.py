"""What every detector is given: the files of the context, and what `cygni.yaml` says of the build."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.builds.detection.start import Start
from chalicelib.builds.listing import Listing


@dataclass(frozen=True, slots=True)
class Found:
    """The facts a detector decides on.

    `files` are the context's, with paths relative to it. `start` is what the source declares, if it does. `command` is
    `build.command` of cygni.yaml, or empty.
    """

    files: Listing
    context: str
    service: str
    start: Start | None
    command: str

    def text(self, path: str) -> str:
        """A marker file's text, or nothing."""
        return self.files.get(path) or ""

    def first(self, *paths: str) -> str | None:
        """The first of these files that exists."""
        return next((path for path in paths if path in self.files), None)
