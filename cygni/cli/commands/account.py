"""`cygni whoami`, `cygni version`, `cygni open`: small answers."""

from __future__ import annotations

import sys

from rich.text import Text

from cygni import __version__
from cygni.cli.frame import Scope, command
from cygni.cli.session import Session
from cygni.cli.shapes import Whoami


@command(Scope.API)
def whoami(session: Session) -> None:
    """Show whom the token speaks for.

    Example: cygni whoami
    """
    found = session.api.whoami()
    session.printer.result(
        {**found, "context": session.context.name, "endpoint": session.context.url},
        Text(f"{found['subject']} of {found['team']} at {session.context.url} (context {session.context.name})"),
        Text(_rights(found)),
    )


def _rights(found: Whoami) -> str:
    """The caller's role, and what it is narrowed to."""
    if not found["role"]:
        return "role: none, since no team is chosen"
    places = ", ".join(f"{each['project']}/{each['environment']} as {each['role']}" for each in found["scopes"])
    return f"role: {found['role']}" + (f", narrowed to {places}" if places else "")


@command(Scope.NONE)
def version(session: Session) -> None:
    """Show the command's version.

    Example: cygni version
    """
    python = ".".join(map(str, sys.version_info[:3]))
    session.printer.result({"version": __version__, "python": python}, Text(f"cygni {__version__} (python {python})"))


@command(Scope.SERVICE)
def open_url(session: Session) -> None:
    """Print the service's address, and open it in a browser when at a terminal.

    Example: cygni open
    """
    service = session.api.service(session.place)
    session.printer.result({"url": service["url"]}, Text(service["url"]))
    if session.printer.live:
        session.runtime.open_browser(service["url"])
