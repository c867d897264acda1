"""Static sites: a folder with an index.html, served as it is. Pure."""

from __future__ import annotations

from chalicelib.builds.detection.found import Found
from chalicelib.builds.plan import BuildPlan, Kind

FOLDERS = (".", "public", "dist", "build")
"""Where an index.html is looked for, in order."""

START = "python3 ../deps/static_server.py ."
"""What serves a site: `chalicelib/builds/static_server.py`, put beside the site's own folder, which it is run in."""

STATIC_ORIGIN = "convention: the built-in file server"

RUNTIME = "3.13"


def detect(found: Found) -> BuildPlan | None:
    """A plan if one of the folders holds an index.html."""
    index = found.first(*("index.html" if folder == "." else f"{folder}/index.html" for folder in FOLDERS))
    if index is None:
        return None
    start = found.start
    return BuildPlan(
        kind=Kind.STATIC,
        context=found.context,
        runtime=RUNTIME,
        runtime_origin="default",
        base_image=f"python:{RUNTIME}-alpine",
        build=(found.command,) if found.command else (),
        start=start.command if start else START,
        start_origin=start.origin if start else STATIC_ORIGIN,
        root=index.removesuffix("index.html").rstrip("/") or ".",
    )
