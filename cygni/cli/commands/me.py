"""`cygni sessions` and `cygni account`: where one is signed in, and what is kept of oneself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.agree import agree
from cygni.cli.api import every
from cygni.cli.bearers import LoginBearer
from cygni.cli.configfile import drop_login
from cygni.cli.frame import Scope, command
from cygni.cli.identity_shapes import Person
from cygni.cli.names import pick
from cygni.cli.options import Yes
from cygni.cli.outfile import written
from cygni.cli.session import Session
from cygni.cli.settings import config_path
from cygni.cli.views.people import sessions_table

sessions = typer.Typer(help="Where you are signed in.", no_args_is_help=True)
account = typer.Typer(help="What is kept of you.", no_args_is_help=True)


@sessions.command("list")
@command(Scope.API)
def list_sessions(session: Session) -> None:
    """List where you are signed in; this login is marked.

    Example: cygni sessions list
    """
    found = list(every(lambda cursor: session.identity.sessions(cursor=cursor)))
    session.printer.result({"items": found, "next_cursor": None}, sessions_table(found, session.runtime.now()))


@sessions.command("revoke")
@command(Scope.API)
def revoke_session(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="SESSION", help="Its id, or the name of its device.")],
    yes: Yes = False,
) -> None:
    """Sign out somewhere else.

    Example: cygni sessions revoke ses_01J…
    """
    there = list(every(lambda cursor: session.identity.sessions(cursor=cursor)))
    found = pick(
        there,
        name,
        what="sign-in",
        names=lambda each: (each["id"], *filter(None, [each["device_name"]])),
        listing="cygni sessions list",
    )
    here = " (this login)" if found["current"] else ""
    agree(session, f"Sign out {found['device_name'] or found['client']}{here}?", yes=yes)
    session.identity.revoke_session(found["id"])
    if found["current"]:
        _forget(session)
    session.printer.result(found, Text(f"{found['device_name'] or found['id']} is signed out."))


@account.command("export")
@command(Scope.API)
def export_account(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write it.")] = "cygni-account.json",
) -> None:
    """Write all that is kept of you into a JSON file: profile, logins, teams, sign-ins, and what you did.

    Example: cygni account export me.json
    """
    path = session.runtime.folder / file
    person = session.identity.export_me()
    cursor = person.pop("next_cursor", None)
    while cursor:
        page: Person = session.identity.export_me(cursor=cursor)
        person["audit"] = [*person["audit"], *page["audit"]]
        cursor = page.get("next_cursor")
    with written(path) as out:
        json.dump(person, out, ensure_ascii=False, indent=2)
        out.write("\n")
    lines = len(person["audit"])
    session.printer.result({"path": str(path), "user": person["user"], "lines": lines}, _exported(path, lines))


@account.command("erase")
@command(Scope.API)
def erase_account(session: Session, yes: Yes = False) -> None:
    """Erase yourself: profile, logins, sign-ins, memberships, and where your requests came from. This cannot be undone.

    Refused while a team that others are in, or that has projects, would be left without an Owner.

    Example: cygni account erase
    """
    who = session.identity.whoami()
    name = who["name"] or who["subject"]
    agree(session, f"Erase {name} at {session.context.url}, for good?", yes=yes)
    session.identity.erase_me()
    _forget(session)
    session.printer.result({"subject": who["subject"], "erased": True}, Text(f"{name} is erased."))


def _forget(session: Session) -> None:
    """The login that this runs with has ended."""
    if isinstance(session.bearer, LoginBearer):
        with session.credentials.locked():
            session.credentials.forget(session.context)
            drop_login(config_path(session.runtime.environ), session.context.name)


def _exported(path: Path, lines: int) -> Text:
    return Text(f"Wrote {path}, with {lines:,} lines of what you did. Only you can read the file.")
