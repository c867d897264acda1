"""Logs of the application and of its builds."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.frame import Scope, command
from cygni.cli.names import deployment_id, release_number
from cygni.cli.options import DeploymentWord
from cygni.cli.session import Session
from cygni.cli.views.outcome import log_line


@command(Scope.SERVICE)
def logs(
    session: Session,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines come; Ctrl-C ends it.")] = False,
    release: Annotated[
        str | None, typer.Option("--release", "-r", metavar="RELEASE", help="Only of this release (r3).")
    ] = None,
    lines: Annotated[
        int, typer.Option("--lines", "-n", metavar="N", min=1, max=1000, help="How many of the last lines.")
    ] = 100,
) -> None:
    """Print what the application wrote.

    With --json and --follow a stream: one line of the log a line.

    Example: cygni logs -f --release r3
    """
    api, place = session.api, session.place
    number = release_number(release) if release is not None else None
    page = api.logs(place, release=number, limit=lines)
    if not follow:
        session.printer.result(page, *map(log_line, page["items"]))
        return
    while True:
        for line in page["items"]:
            session.printer.stream(line, log_line(line))
        session.runtime.sleep(session.runtime.poll)
        page = api.logs(place, cursor=page["next_cursor"], release=number)


@command(Scope.SERVICE)
def build_log(
    session: Session,
    deployment: DeploymentWord = "latest",
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the build has ended.")] = False,
) -> None:
    """Print a deployment's build log, all of it.

    Example: cygni build-log r3
    """
    api, place, printer = session.api, session.place, session.printer
    found = deployment_id(api, place, deployment)
    cursor: str | None = None
    kept: list[str] = []
    while True:
        page = api.build_log(place, found, cursor=cursor)
        cursor = page["next_cursor"]
        kept.extend(page["lines"])
        printer.note(*map(Text.from_ansi, page["lines"]))
        if page["complete"] or not (page["lines"] or follow):
            break
        if not page["lines"]:
            session.runtime.sleep(session.runtime.poll)
    printer.result({"deployment": found, "lines": kept, "complete": page["complete"]})
