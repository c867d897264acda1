"""`cygni ci`: workflows of GitHub Actions that sign in without a stored secret."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.agree import agree
from cygni.cli.api import every
from cygni.cli.errors import Usage
from cygni.cli.frame import Scope, command
from cygni.cli.grants import Only, Role, RoleOption, grant_words, scopes_of
from cygni.cli.identity_shapes import Trust
from cygni.cli.names import pick
from cygni.cli.options import Yes
from cygni.cli.session import Session
from cygni.cli.views.people import trusts_table

ci = typer.Typer(help="Sign in from GitHub Actions without a stored secret.", no_args_is_help=True)

WORKFLOW = """    permissions:
      contents: read
      id-token: write
    env:
      CYGNI_ENDPOINT: {endpoint}
      CYGNI_TEAM: {team}
    steps:
      - run: cygni deploy"""


@ci.command("trust")
@command(Scope.API)
def trust_repository(
    session: Session,
    repository: Annotated[str, typer.Argument(metavar="OWNER/NAME", help="The repository, as GitHub spells it.")],
    role: RoleOption = Role.DEVELOPER,
    only: Only = None,
    branch: Annotated[
        str | None, typer.Option("--branch", metavar="NAME", help="Only jobs of this branch; a pattern with * may be given.")
    ] = None,
    tag: Annotated[str | None, typer.Option("--tag", metavar="NAME", help="Only jobs of this tag, or of tags like v*.")] = None,
    environment: Annotated[
        str | None, typer.Option("--github-environment", metavar="NAME", help="Only jobs that run in this GitHub environment.")
    ] = None,
    repository_id: Annotated[
        str | None,
        typer.Option("--repository-id", metavar="NUMBER", help="GitHub's number of it, which no other can take over."),
    ] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="For people; default: the repository.")] = None,
) -> None:
    """Let workflows of a repository sign in as a role, without a stored secret. Prints what the workflow needs.

    Example: cygni ci trust acme/shop --branch main --role developer --only shop
    """
    if branch and tag:
        raise Usage("A job is of a branch or of a tag.", remedy="Make two trusts.")
    ref = f"refs/heads/{branch}" if branch else f"refs/tags/{tag}" if tag else None
    wanted = {
        "name": name or repository[:60],
        "repository": repository,
        "repository_id": repository_id,
        "ref": ref,
        "environment": environment,
        "role": role.value,
        "scopes": scopes_of(only),
    }
    made = session.identity.create_trust(wanted)
    session.printer.show(made, lambda: _trusted(session, made))


@ci.command("list")
@command(Scope.API)
def list_trusts(session: Session) -> None:
    """List the workflows that the team trusts.

    Example: cygni ci list
    """
    found = _all(session)
    session.printer.show({"items": found, "next_cursor": None}, lambda: [trusts_table(found, session.people.name)])


@ci.command("untrust")
@command(Scope.API)
def untrust(
    session: Session,
    trust: Annotated[str, typer.Argument(metavar="TRUST", help="Its name or its id.")],
    yes: Yes = False,
) -> None:
    """Trust these workflows no more: their jobs sign in no longer, and what they are signed in with changes nothing.

    Example: cygni ci untrust acme/shop
    """
    found = pick(_all(session), trust, what="trust", names=lambda each: (each["id"], each["name"]), listing="cygni ci list")
    agree(session, f"Trust {found['name']} ({found['repository']}) no more?", yes=yes)
    session.identity.revoke_trust(found["id"])
    session.printer.result(found, Text(f"{found['repository']} is trusted no more by {found['name']}."))


def _all(session: Session) -> list[Trust]:
    return list(every(lambda cursor: session.identity.trusts(cursor=cursor)))


def _trusted(session: Session, made: Trust) -> list[Text]:
    where = made["ref"] or "any branch"
    place = f", in the environment {made['environment']}" if made["environment"] else ""
    words = grant_words(made["role"], made["scopes"])
    team = session.identity.whoami()["team"]
    return [
        Text(f"Workflows of {made['repository']} ({where}{place}) sign in as {words} ({made['id']})."),
        Text.assemble(("next: ", "bold"), "Write this into the job:"),
        Text(WORKFLOW.format(endpoint=session.context.url, team=team)),
    ]
