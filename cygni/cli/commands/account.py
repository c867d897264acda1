"""`cygni whoami`, `cygni version`, `cygni open`: small answers."""

from __future__ import annotations

import contextlib
import sys

from rich.text import Text

from cygni import __version__
from cygni.cli.errors import CliError
from cygni.cli.frame import Scope, command
from cygni.cli.identity_shapes import Team, Whoami
from cygni.cli.session import Session
from cygni.cli.views.people import whoami_view


@command(Scope.API)
def whoami(session: Session) -> None:
    """Show who you are signed in as, in which team and role, and by what.

    Example: cygni whoami
    """
    found, context = session.identity.whoami(), session.context
    document = {**found, "context": context.name, "endpoint": context.url, "means": context.means}
    session.printer.show(document, lambda: [whoami_view(found, _team(session, found), context)])


def _team(session: Session, who: Whoami) -> Team | None:
    """The team for its name; without it the id will do."""
    with contextlib.suppress(CliError):
        return session.identity.team() if who["team"] else None
    return None


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
