"""`cygni keys`: API keys for machines."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.agree import agree
from cygni.cli.api import every
from cygni.cli.frame import Scope, command
from cygni.cli.grants import Only, Role, RoleOption, scopes_of
from cygni.cli.identity_shapes import ApiKey
from cygni.cli.names import pick
from cygni.cli.options import Yes
from cygni.cli.session import Session
from cygni.cli.views.people import issued_key_lines, keys_table

keys = typer.Typer(help="API keys for machines.", no_args_is_help=True)

KeyWord = Annotated[str, typer.Argument(metavar="KEY", help="Its name, its id, or what it begins with.")]


@keys.command("create")
@command(Scope.API)
def create_key(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    role: RoleOption = Role.DEVELOPER,
    only: Only = None,
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, max=730, help="How many days it is valid.")] = 90,
) -> None:
    """Make an API key. It is shown once; in --json it is `key`.

    Example: cygni keys create deploy-bot --role developer --only shop
    """
    made = session.identity.create_key(name, role=role.value, scopes=scopes_of(only), days=days)
    session.printer.result(made, *issued_key_lines(made, session.runtime.now()))


@keys.command("list")
@command(Scope.API)
def list_keys(session: Session) -> None:
    """List the team's API keys, without their secrets.

    Example: cygni keys list
    """
    found = _all(session)
    document = {"items": found, "next_cursor": None}
    session.printer.show(document, lambda: [keys_table(found, session.runtime.now(), session.people.name)])


@keys.command("rotate")
@command(Scope.API)
def rotate_key(
    session: Session,
    key: KeyWord,
    hours: Annotated[
        int, typer.Option("--overlap", metavar="HOURS", min=0, max=168, help="How long the old secret stays valid, too.")
    ] = 24,
) -> None:
    """Give a key a new secret, which is shown once; the old one stays valid for a while.

    Example: cygni keys rotate deploy-bot --overlap 2
    """
    rotated = session.identity.rotate_key(_key(session, key)["id"], hours=hours)
    session.printer.result(rotated, *issued_key_lines(rotated, session.runtime.now()))


@keys.command("revoke")
@command(Scope.API)
def revoke_key(session: Session, key: KeyWord, yes: Yes = False) -> None:
    """Delete a key: no request with it is admitted from then on.

    Example: cygni keys revoke deploy-bot
    """
    found = _key(session, key)
    agree(session, f"Delete the key {found['name']}, which nothing can use from then on?", yes=yes)
    session.identity.revoke_key(found["id"])
    session.printer.result(found, Text(f"The key {found['name']} ({found['id']}) is no more."))


def _all(session: Session) -> list[ApiKey]:
    return list(every(lambda cursor: session.identity.keys(cursor=cursor)))


def _key(session: Session, word: str) -> ApiKey:
    # Whoever has the whole key at hand may paste it; its secret part is not looked at, and goes nowhere.
    prefix = "_".join(word.split("_")[:2]) if word.startswith("cyg_") else word
    return pick(
        _all(session),
        prefix,
        what="API key",
        names=lambda each: (each["id"], each["name"], each["prefix"]),
        listing="cygni keys list",
    )
