"""Projects, environments and services: listing, creating, deleting."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.api import Place, every
from cygni.cli.commands.deploy import ensure_project
from cygni.cli.errors import Usage
from cygni.cli.frame import Scope, command
from cygni.cli.moments import moment_of
from cygni.cli.options import Description, Yes
from cygni.cli.session import Session
from cygni.cli.views.tables import environments_table, freezes_table, projects_table, services_table

environments = typer.Typer(help="Environments of a project.", no_args_is_help=True)
services = typer.Typer(help="Services of an environment.", no_args_is_help=True)


@command(Scope.API)
def projects(session: Session) -> None:
    """List projects.

    Example: cygni projects
    """
    found = list(every(lambda cursor: session.api.projects(cursor=cursor)))
    session.printer.result({"items": found, "next_cursor": None}, projects_table(found, session.runtime.now()))


@environments.command("list")
@command(Scope.PROJECT)
def list_environments(session: Session) -> None:
    """List a project's environments.

    Example: cygni environments list
    """
    found = list(every(lambda cursor: session.api.environments(session.project, cursor=cursor)))
    session.printer.result({"items": found, "next_cursor": None}, environments_table(found, session.runtime.now()))


@environments.command("create")
@command(Scope.PROJECT)
def create_environment(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Lower-case letters, digits and single hyphens.")],
    description: Description = "",
) -> None:
    """Create an environment, and its project if it is not there yet.

    Example: cygni environments create staging
    """
    ensure_project(session, session.project)
    made = session.api.create_environment(session.project, name, description=description)
    hint = Text.assemble(("next: ", "bold"), f"Deploy to it with `cygni deploy --environment {name}`.")
    session.printer.result(made, Text(f"Created the environment {name} of {session.project}."), hint)


@environments.command("freeze")
@command(Scope.PROJECT)
def freeze_environment(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The environment.")],
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="When it is over, as 2026-12-28 or 2026-12-28T08:00Z.")],
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="A sentence for those who cannot deploy then.")],
    begins: Annotated[str | None, typer.Option("--from", metavar="TIME", help="When it begins; default: now.")] = None,
) -> None:
    """Let no release begin for a time; rollbacks still do. For Owners and Admins.

    Example: cygni environments freeze prod --until 2026-12-28 --reason "Holidays."
    """
    now = session.runtime.now()
    moments = moment_of(begins, now), moment_of(until, now)
    changed = session.api.freeze(session.project, name, begins=moments[0], until=moments[1], reason=reason)
    hint = Text.assemble(("next: ", "bold"), f"Lift it with `cygni environments thaw {name}`.")
    session.printer.result(changed, freezes_table(changed), hint)


@environments.command("thaw")
@command(Scope.PROJECT)
def thaw_environment(session: Session, name: Annotated[str, typer.Argument(metavar="NAME", help="The environment.")]) -> None:
    """Lift all freezes of an environment. For Owners and Admins.

    Example: cygni environments thaw prod
    """
    changed = session.api.thaw(session.project, name)
    session.printer.result(changed, Text(f"Nothing is frozen in {name} of {session.project}."))


@services.command("list")
@command(Scope.ENVIRONMENT)
def list_services(session: Session) -> None:
    """List an environment's services.

    Example: cygni services list
    """
    found = list(every(lambda cursor: session.api.services(session.project, session.environment, cursor=cursor)))
    session.printer.result({"items": found, "next_cursor": None}, services_table(found))


@services.command("delete")
@command(Scope.ENVIRONMENT)
def delete_service(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The service.")],
    yes: Yes = False,
) -> None:
    """Delete a service: its releases stop, its address no longer answers. This cannot be undone.

    Example: cygni services delete worker
    """
    place = Place(session.project, session.environment, name)
    if not yes:
        if session.printer.json_mode:
            raise Usage("Deleting must be agreed to.", remedy="Add --yes.")
        typer.confirm(f"Delete the service {place} with all its releases?", abort=True)
    deleted = session.api.delete_service(place)
    active = deleted["active_deployment"]
    first = f" {active} is aborted first." if active else ""
    session.printer.result(deleted, Text(f"{place} is being deleted.{first}"))
