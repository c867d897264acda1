"""What the planner sees of a source: its paths, and the text of a few small marker files. Nothing else is ever read.

A listing's paths are relative to the folder that holds `cygni.yaml`, with `/` between the parts and no leading `./`.
"""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import basename, normpath

Listing = Mapping[str, str | None]
"""Path → text, or None for a file whose text the planner does not ask for."""

MARKERS = frozenset(
    (
        *("cygni.yaml", "Procfile", "Dockerfile"),
        *("pyproject.toml", "requirements.txt", ".python-version", "runtime.txt", "manage.py"),
        *("app.py", "asgi.py", "main.py", "server.py", "streamlit_app.py", "wsgi.py"),
        *("package.json", ".node-version", ".nvmrc"),
        "go.mod",
    )
)
"""Names, in any folder, whose text is read."""

MARKER_BYTES = 256 * 1024
"""A marker file larger than this many bytes is listed without its text."""


def is_marker(path: str) -> bool:
    """Whether the planner wants the text of this file."""
    return basename(path) in MARKERS


def within(listing: Listing, folder: str) -> dict[str, str | None]:
    """The part of a listing that is under `folder` (`.` is all), with paths relative to it."""
    folder = normpath(folder)
    if folder == ".":
        return dict(listing)
    prefix = folder + "/"
    return {path.removeprefix(prefix): text for path, text in listing.items() if path.startswith(prefix)}


def folders(listing: Listing) -> list[str]:
    """The top-level folders of a listing, sorted, for messages that help to find the right one."""
    return sorted({path.split("/", 1)[0] for path in listing if "/" in path})
