"""What is and what was: status, deployments, releases."""

from __future__ import annotations

from typing import TypedDict

from rich.console import RenderableType
from rich.text import Text

from cygni.cli.errors import CliError
from cygni.cli.exits import Exit
from cygni.cli.follow import Progress
from cygni.cli.frame import Scope, command
from cygni.cli.options import Limit
from cygni.cli.people import People
from cygni.cli.session import Session
from cygni.cli.shapes import Deployment, Service, Traffic
from cygni.cli.views.outcome import awaiting, outcome
from cygni.cli.views.progress import progress_table
from cygni.cli.views.tables import deployments_table, releases_table, services_table


class Status(TypedDict):
    """The document of `cygni status --json`: the service, its newest deployment, and the traffic while that is under way."""

    service: Service
    deployment: Deployment | None
    traffic: Traffic | None


@command(Scope.SERVICE)
def status(session: Session) -> Exit | None:
    """Show what is live and what is under way; exit code 15 when what was asked for last awaits approval.

    Example: cygni status --environment staging
    """
    found = read_status(session)
    session.printer.show(found, lambda: _status_view(found, session.people))
    awaits = found["deployment"] is not None and found["deployment"]["state"] == "awaiting_approval"
    return Exit.AWAITS_APPROVAL if awaits else None


@command(Scope.SERVICE)
def deployments(session: Session, limit: Limit = 10) -> None:
    """List deployments, newest first.

    Example: cygni deployments --limit 3
    """
    page = session.api.deployments(session.place, limit=limit)
    session.printer.result(page, deployments_table(page["items"], session.runtime.now()))


@command(Scope.SERVICE)
def releases(session: Session, limit: Limit = 10) -> None:
    """List releases, newest first: what `cygni rollback` can return to.

    Example: cygni releases
    """
    page = session.api.releases(session.place, limit=limit)
    session.printer.result(page, releases_table(page["items"], session.runtime.now()))


def read_status(session: Session) -> Status:
    """The service, the deployment under way or else the newest, and its live traffic."""
    api, place = session.api, session.place
    service = api.service(place)
    under_way = service["active_deployment"]
    if under_way is None:
        newest = api.deployments(place, limit=1)["items"]
        return Status(service=service, deployment=newest[0] if newest else None, traffic=None)
    deployment = api.deployment(place, under_way)
    traffic: Traffic | None = None
    if deployment["state"] == "rolling_out":
        try:
            traffic = api.traffic(place, under_way)
        except CliError:  # numbers that cannot be read now are no reason to say nothing
            traffic = None
    return Status(service=service, deployment=deployment, traffic=traffic)


def _status_view(found: Status, people: People) -> list[RenderableType]:
    parts: list[RenderableType] = [services_table([found["service"]])]
    deployment = found["deployment"]
    if deployment is None:
        return [*parts, Text.assemble(("next: ", "bold"), "Deploy it with `cygni deploy`.")]
    if deployment["ended"]:
        return [*parts, Text(""), outcome(deployment, say=people.named)]
    if deployment["state"] == "awaiting_approval":
        return [*parts, Text(""), awaiting(deployment, people.approvers(), people.named)]
    if deployment["rollout"] is not None:
        return [*parts, Text(""), progress_table(Progress(deployment, found["traffic"]))]
    return [
        *parts,
        Text(""),
        Text(f"r{deployment['release']} is {deployment['state'].replace('_', ' ')}: `cygni follow {deployment['id']}`."),
    ]
