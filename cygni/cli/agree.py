"""Asking before what cannot be undone."""

from __future__ import annotations

import typer

from cygni.cli.errors import Usage
from cygni.cli.session import Session


def agree(session: Session, question: str, *, yes: bool) -> None:
    """Go on only when it is agreed to. Raises Usage where nobody can be asked, and ends the command when the answer is no."""
    if yes:
        return
    if session.printer.json_mode:
        raise Usage("This must be agreed to.", remedy="Add --yes.")
    typer.confirm(question, abort=True, err=True)
