"""`cygni init`: a first cygni.yaml for the folder."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.appfile import FILE_NAME, suggest_name
from cygni.cli.errors import CliError, NotSignedIn, Problem, Unreachable, Usage
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.ignore import list_source
from cygni.cli.pack import listing
from cygni.cli.session import Session
from cygni.cli.shapes import Plan

OFFLINE_DRAFT = "version: 1\nname: {name}\nservices:\n  {service}:\n    port: {port}\n"
_NO_ANSWER = frozenset({Exit.UNREACHABLE, Exit.NOT_SIGNED_IN, Exit.FORBIDDEN})


@command(Scope.API)
def init(
    session: Session,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the project; default: the folder's.")
    ] = None,
    service: Annotated[str, typer.Option("--service", "-s", metavar="NAME", help="Name of the service.")] = "web",
    port: Annotated[
        int, typer.Option("--port", metavar="PORT", min=1, max=65535, help="Port it listens on; it is also told as PORT.")
    ] = 8080,
    force: Annotated[bool, typer.Option("--force", help="Write over a cygni.yaml that is there.")] = False,
) -> None:
    """Write a cygni.yaml for this folder, with what can be detected.

    Works without a control plane too, but then detects nothing.

    Example: cygni init --name shop
    """
    path = session.runtime.folder / FILE_NAME
    if path.exists() and not force:
        raise Usage(f"{FILE_NAME} is already here.", remedy="Edit it, or write over it with `cygni init --force`.")
    chosen = name or suggest_name(session.runtime.folder)
    plan, text, warning = _draft(session, name=chosen, service=service, port=port)
    path.write_text(text, "utf-8")
    shown = [Text(f"Wrote {FILE_NAME} for the project {chosen}.")]
    if plan is not None:
        shown.append(Text(f"Detected: {plan['summary']}"))
    if warning:
        shown.append(Text.assemble(("note: ", "bold yellow"), warning))
    shown.append(Text.assemble(("next: ", "bold"), "Look at it, then `cygni deploy`."))
    session.printer.result(
        {"path": str(path), "name": chosen, "service": service, "plan": plan, "warning": warning or None}, *shown
    )


def _draft(session: Session, *, name: str, service: str, port: int) -> tuple[Plan | None, str, str]:
    """The plan if one could be made, the file's text, and what to warn of."""
    plan: Plan | None = None
    warning = ""
    try:
        plan, warning = _detect(session, service)
        text = session.api.draft_app_file(name=name, service=service, start=plan["start"] if plan else None, port=port)
    except (NotSignedIn, Unreachable, Problem) as error:
        if error.exit_code not in _NO_ANSWER:
            raise
        warning = f"{error.message} Nothing was detected; check the file with `cygni plan` once a control plane answers."
        return None, OFFLINE_DRAFT.format(name=name, service=service, port=port), warning
    return plan, text, warning


def _detect(session: Session, service: str) -> tuple[Plan | None, str]:
    """How the folder would be built; without a plan the reason."""
    folder = session.runtime.folder
    # An app file that is being written over must not decide what is detected.
    files = [each for each in listing(folder, list_source(folder)) if each["path"] != FILE_NAME]
    try:
        return session.api.plan(service, files), ""
    except CliError as refused:
        if refused.exit_code is not Exit.USAGE:
            raise
        return None, f"{refused.message} {refused.remedy}".strip()
