"""`cygni audit`: who did what in the team."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from enum import StrEnum
from itertools import islice
from typing import Annotated, Any, TextIO

import typer
from rich.text import Text

from cygni.cli.api import every
from cygni.cli.chain import examine, mark_of
from cygni.cli.errors import CliError, Usage
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.identity_shapes import Line
from cygni.cli.moments import moment_of
from cygni.cli.names import pick
from cygni.cli.outfile import written
from cygni.cli.session import Session
from cygni.cli.views.audit import audit_table, finding_view

audit = typer.Typer(help="Who did what in the team.", no_args_is_help=True)


class Format(StrEnum):
    """How an export is written."""

    CSV = "csv"
    JSON = "json"


Actor = Annotated[
    str | None, typer.Option("--actor", metavar="WHO", help="Only what they did: a member's name or address, or any id.")
]
Resource = Annotated[
    str | None, typer.Option("--resource", metavar="PATH", help="Only on this and what is below it: projects/shop.")
]
Operation = Annotated[str | None, typer.Option("--operation", metavar="NAME", help="Only this: create_deployment.")]
Refused = Annotated[bool, typer.Option("--refused", help="Only what was refused.")]
Since = Annotated[str | None, typer.Option("--since", metavar="WHEN", help="From then on: 2026-01-31, or 7d, 12h, 30m ago.")]
Until = Annotated[str | None, typer.Option("--until", metavar="WHEN", help="Before then.")]

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS = tuple(Line.__annotations__)


@audit.command("list")
@command(Scope.API)
def list_audit(
    session: Session,
    actor: Actor = None,
    resource: Resource = None,
    operation: Operation = None,
    refused: Refused = False,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", metavar="N", min=1, max=10_000, help="How many lines, newest first.")
    ] = 30,
) -> None:
    """List who did what, newest first.

    Example: cygni audit list --refused --since 7d
    """
    wanted = _wanted(session, actor, resource, operation, since, until, refused=refused)
    asked = {**wanted, "limit": min(limit, 100)}
    found = list(islice(every(lambda cursor: session.identity.audit(asked, cursor=cursor)), limit))
    session.printer.show({"items": found, "next_cursor": None}, lambda: [audit_table(found, session.people.named)])


@audit.command("export")
@command(Scope.API)
def export_audit(
    session: Session,
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to write it.")],
    form: Annotated[
        Format | None, typer.Option("--format", metavar="FORMAT", help="csv or json; default: as FILE ends.")
    ] = None,
    actor: Actor = None,
    resource: Resource = None,
    operation: Operation = None,
    refused: Refused = False,
    since: Since = None,
    until: Until = None,
) -> None:
    """Write lines of the audit trail into a file, newest first.

    In CSV, what a spreadsheet would take for a formula is marked as text.

    Example: cygni audit export audit.csv --since 2026-01-01
    """
    chosen = form or _format_of(file)
    wanted = _wanted(session, actor, resource, operation, since, until, refused=refused)
    path = session.runtime.folder / file
    lines: Iterator[Line] = every(lambda cursor: session.identity.audit_export(wanted, cursor=cursor))
    with written(path) as out:
        count = _WRITERS[chosen](out, lines)
    session.printer.result(
        {"path": str(path), "format": chosen.value, "lines": count},
        Text(f"Wrote {count:,} lines to {path}. Only you can read the file."),
    )


@audit.command("verify")
@command(Scope.API)
def verify_audit(
    session: Session,
    expect: Annotated[
        str | None,
        typer.Option("--expect", metavar="SEQ:DIGEST", help="A head noted earlier, which must still be in the trail."),
    ] = None,
) -> Exit | None:
    """Check that no line was altered, taken out or put in; exit code 16 if one was. Prints the head, to note down elsewhere.

    Example: cygni audit verify --expect 41:9f86d0…
    """
    expected = mark_of(expect) if expect is not None else None
    head = session.identity.audit_head()
    lines: Iterator[Line] = every(lambda cursor: session.identity.audit_export({}, cursor=cursor))
    try:
        found = examine(head, lines, now=session.runtime.now().timestamp(), expected=expected)
    except (KeyError, TypeError, AttributeError) as error:
        raise CliError(
            f"The API answered with what is no line of an audit trail: {error}.",
            remedy="Use a version of cygni that is as new as the control plane.",
            code="unknown-shape",
        ) from None
    document = {**asdict(found), "head": str(found.head), "ok": not found.faults}
    session.printer.result(document, finding_view(found))
    return Exit.TAMPERED if found.faults else None


def _wanted(
    session: Session,
    actor: str | None,
    resource: str | None,
    operation: str | None,
    since: str | None,
    until: str | None,
    *,
    refused: bool,
) -> dict[str, str | int | None]:
    now = session.runtime.now()
    return {
        "actor": _actor(session, actor),
        "resource": resource.removeprefix("/v1").strip("/") if resource else None,
        "operation": operation,
        "outcome": "refused" if refused else None,
        "since": moment_of(since, now),
        "until": moment_of(until, now),
    }


def _actor(session: Session, word: str | None) -> str | None:
    """An id for what may be a member's name; what names no member is taken for an id as it is."""
    if word is None or word.partition("_")[0] in ("usr", "key", "tru"):
        return word
    members = session.people.members()
    known = [each for each in members if word.casefold() in (each["name"].casefold(), each["email"].casefold())]
    if not known:
        return word
    names = lambda each: (each["user"], each["name"], each["email"])  # noqa: E731 - a table of three
    return pick(known, word, what="member", names=names, listing="cygni team members")["user"]


def _format_of(file: str) -> Format:
    ending = file.rpartition(".")[2].lower()
    if ending in set(Format):
        return Format(ending)
    raise Usage(f"{file!r} does not say what it is to be.", remedy="Add --format csv or --format json.")


def _write_csv(out: TextIO, lines: Iterable[Line]) -> int:
    writer, count = csv.writer(out), 0
    writer.writerow(_COLUMNS)
    for line in lines:
        writer.writerow([harmless(line.get(name, "")) for name in _COLUMNS])
        count += 1
    return count


def _write_json(out: TextIO, lines: Iterable[Line]) -> int:
    count = 0
    for line in lines:
        out.write("[\n" if count == 0 else ",\n")
        out.write(json.dumps(line, ensure_ascii=False))
        count += 1
    out.write("\n]\n" if count else "[]\n")
    return count


def harmless(value: Any) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text


_WRITERS: dict[Format, Callable[[TextIO, Iterable[Line]], int]] = {Format.CSV: _write_csv, Format.JSON: _write_json}
