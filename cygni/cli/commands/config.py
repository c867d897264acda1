"""`cygni config`: a service's variables."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.errors import Usage
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.options import Wait
from cygni.cli.session import Session
from cygni.cli.shapes import Config
from cygni.cli.views.tables import config_table
from cygni.cli.watch import begin

config = typer.Typer(help="Variables of a service, secrets among them.", no_args_is_help=True)

Stage = Annotated[bool, typer.Option("--stage", help="Only keep it; it applies from the next deployment on.")]


@config.command("set")
@command(Scope.SERVICE)
def set_variables(
    session: Session,
    pairs: Annotated[
        list[str],
        typer.Argument(metavar="KEY=VALUE...", help="KEY=VALUE, KEY=@file, KEY=- (value from stdin), or - (lines from stdin)."),
    ],
    stage: Stage = False,
    wait: Wait = True,
) -> Exit | None:
    """Set variables, then roll the live release out again with them.

    To keep a value out of the shell's history, give a file (KEY=@file) or stdin: KEY=-, or - for KEY=VALUE lines.

    Example: cygni config set LOG_LEVEL=debug TLS_KEY=@key.pem
    """
    return _change(session, read_pairs(pairs, session.runtime.folder), [], stage=stage, wait=wait)


@config.command("unset")
@command(Scope.SERVICE)
def unset_variables(
    session: Session,
    names: Annotated[list[str], typer.Argument(metavar="KEY...", help="Variables to remove.")],
    stage: Stage = False,
    wait: Wait = True,
) -> Exit | None:
    """Remove variables, then roll the live release out again without them.

    Example: cygni config unset LOG_LEVEL
    """
    return _change(session, {}, names, stage=stage, wait=wait)


@config.command("list")
@command(Scope.SERVICE)
def list_variables(session: Session, show: Annotated[bool, typer.Option("--show", help="Print the values.")] = False) -> None:
    """List variables; their values only with --show.

    In --json a value that is not shown is null.

    Example: cygni config list --show
    """
    found = session.api.config(session.place)
    session.printer.result(_masked(found, show=show), config_table(found, show=show))


def read_pairs(pairs: Sequence[str], folder: Path) -> dict[str, str]:
    """The variables that the arguments name, read from where they say. Raises Usage; messages hold no value."""
    values: dict[str, str] = {}
    for pair in pairs:
        if pair == "-":
            values.update(parse_lines(_stdin()))
            continue
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise Usage(f"{name!r} has no value.", remedy="Write KEY=VALUE, KEY=@file, or KEY=- to read the value from stdin.")
        if value == "-":
            value = _stdin().removesuffix("\n")
        elif value.startswith("@"):
            value = _file(name, folder / value[1:])
        values[name] = value
    return values


def parse_lines(text: str) -> dict[str, str]:
    """Variables from KEY=VALUE lines; blank lines and # comments are skipped, a pair of quotes round a value is taken off."""
    values: dict[str, str] = {}
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip().removeprefix("export ").strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise Usage(f"Line {number} of stdin is not KEY=VALUE.", remedy="Write one KEY=VALUE a line.")
        value = value.strip()
        quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
        values[name.strip()] = value[1:-1] if quoted else value
    return values


def _change(session: Session, values: dict[str, str], unset: Sequence[str], *, stage: bool, wait: bool) -> Exit | None:
    api, place, printer = session.api, session.place, session.printer
    changed = api.change_config(place, values=values, unset=unset)
    names = ", ".join(sorted({*values, *unset}))
    printer.note(Text(f"Config version {changed['version']} of {place}: {names}."))
    live = None if stage else api.service(place)["live_release"]
    if live is None:
        printer.result(
            _masked(changed, show=False),
            Text.assemble(("next: ", "bold"), "It applies from the next deployment on: `cygni deploy`."),
        )
        return None
    return begin(session, api.redeploy(place, message=f"config: {names}"[:500]), wait=wait)


def _masked(found: Config, *, show: bool) -> dict[str, object]:
    values = {name: value if show else None for name, value in found["values"].items()}
    return {"version": found["version"], "values": values, "changed_at": found["changed_at"]}


def _stdin() -> str:
    return sys.stdin.read()


def _file(name: str, path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise Usage(
            f"The value of {name} cannot be read from {path}: {reason}.",
            remedy=f"Name a text file; a value that begins with @ comes from stdin: {name}=-",
        ) from None
