"""`cygni team`: the teams one is in, and the one that commands are about. Its members are in members.py."""

from __future__ import annotations

import sys
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.text import Text

from cygni.cli.agree import agree
from cygni.cli.api import every
from cygni.cli.bearers import LoginBearer
from cygni.cli.commands.members import members
from cygni.cli.errors import Problem, Usage
from cygni.cli.frame import Scope, command
from cygni.cli.identity_shapes import MyTeam
from cygni.cli.names import pick
from cygni.cli.options import Stay, Yes
from cygni.cli.session import Session
from cygni.cli.views.people import hint, my_teams_table, offer_line, team_view

team = typer.Typer(help="Teams, their members and invitations.", no_args_is_help=True)

TeamName = Annotated[str, typer.Argument(metavar="NAME", help="A name for people.")]


@team.command("list")
@command(Scope.API)
def list_teams(session: Session) -> None:
    """List the teams you are in; the current one is marked.

    Example: cygni team list
    """
    found = my_teams(session)
    session.printer.result({"items": found, "next_cursor": None}, my_teams_table(found))


@team.command("create")
@command(Scope.API)
def create_team(
    session: Session,
    name: TeamName,
    region: Annotated[
        str | None, typer.Option("--region", metavar="REGION", help="Where its data lives; default: the control plane's.")
    ] = None,
    stay: Stay = False,
) -> None:
    """Create a team, which you own, and make it the current one.

    Example: cygni team create "Acme Web"
    """
    made = session.identity.create_team(name, region=region)
    lines = [Text(f"Created the team {made['name']} ({made['id']})."), *_go_to(session, made["id"], stay=stay)]
    session.printer.result(made, *lines, hint("Invite somebody with `cygni team invite --role developer`."))


@team.command("switch")
@command(Scope.API)
def switch_team(
    session: Session,
    name: Annotated[str, typer.Argument(metavar="TEAM", help="Its name or its id; `cygni team list` has both.")],
) -> None:
    """Make another of your teams the current one, for this and all later commands.

    Example: cygni team switch acme
    """
    login = _login(session)
    found = pick(
        my_teams(session), name, what="team of yours", names=lambda each: (each["id"], each["name"]), listing="cygni team list"
    )
    login.switch(found["id"])
    session.printer.result({**found, "current": True}, Text(f"The current team is {found['name']} ({found['id']})."))


@team.command("show")
@command(Scope.API)
def show_team(session: Session) -> None:
    """Show the current team: its region, what it has and may have.

    Example: cygni team show
    """
    found = session.identity.team()
    session.printer.result(found, team_view(found))


@team.command("rename")
@command(Scope.API)
def rename_team(session: Session, name: TeamName) -> None:
    """Give the current team another name.

    Example: cygni team rename "Acme Web"
    """
    before = session.identity.team()
    changed = session.identity.change_team(before, name=name)
    session.printer.result(changed, Text(f"{before['name']} is now called {changed['name']}."))


@team.command("retention")
@command(Scope.API)
def keep_audit(
    session: Session,
    days: Annotated[int, typer.Argument(metavar="DAYS", min=1, max=730, help="How many days lines are kept.")],
) -> None:
    """Set how long lines of the audit trail are kept from now on.

    Example: cygni team retention 400
    """
    changed = session.identity.change_team(session.identity.team(), retention=days)
    kept = changed["audit_retention_days"]
    session.printer.result(changed, Text(f"New lines of {changed['name']}'s audit trail are kept for {kept} days."))


@team.command("join")
@command(Scope.API)
def join_team(
    session: Session,
    link: Annotated[str, typer.Argument(metavar="LINK", help="The invitation's link, or - to read it from stdin.")],
    show: Annotated[bool, typer.Option("--show", help="Only show what it offers.")] = False,
    stay: Stay = False,
) -> None:
    """Accept an invitation, and make its team the current one.

    Example: cygni team join https://api.example.com/v1/invitations#01J…
    """
    token = sys.stdin.readline().strip() if link == "-" else link.strip()
    try:
        offer = session.identity.offer(token)
        if show:
            session.printer.result(offer, offer_line(offer, session.runtime.now()))
            return
        session.printer.note(offer_line(offer, session.runtime.now()))
        joined = session.identity.accept(token)
    except Problem as problem:
        raise _elsewhere(problem, token, session.context.url) from None
    lines = [Text(f"You are in the team {joined['name']} as {joined['role']}."), *_go_to(session, joined["id"], stay=stay)]
    session.printer.result(joined, *lines)


@team.command("leave")
@command(Scope.API)
def leave_team(session: Session, yes: Yes = False) -> None:
    """Leave the current team. Its last Owner cannot: transfer it, or delete it.

    Example: cygni team leave
    """
    found = session.identity.team()
    agree(session, f"Leave the team {found['name']}?", yes=yes)
    session.identity.leave_team()
    session.printer.result(found, Text(f"You have left {found['name']}."), *_gone(session, found["id"]))


@team.command("delete")
@command(Scope.API)
def delete_team(session: Session, yes: Yes = False) -> None:
    """Delete the current team, with its members, keys, trusts and invitations. It must have no projects; this cannot be undone.

    Example: cygni team delete
    """
    found = session.identity.team()
    agree(session, f"Delete the team {found['name']} for everybody?", yes=yes)
    session.identity.delete_team()
    session.printer.result(found, Text(f"Deleted the team {found['name']}."), *_gone(session, found["id"]))


def my_teams(session: Session) -> list[MyTeam]:
    """All teams of the caller."""
    return list(every(lambda cursor: session.identity.teams(cursor=cursor)))


def _login(session: Session) -> LoginBearer:
    """What can change teams. Raises Usage for a credential that works for one team only."""
    if not isinstance(session.bearer, LoginBearer):
        raise Usage("An API key or a job works for one team only.", remedy="Sign in with `cygni login`, or use another key.")
    return session.bearer


def _go_to(session: Session, team: str, *, stay: bool) -> list[Text]:
    if stay or not isinstance(session.bearer, LoginBearer):
        return [hint(f"Go on with it by `cygni team switch {team}`.")]
    session.bearer.switch(team)
    return [Text("It is the current team now.")]


def _gone(session: Session, team: str) -> list[Text]:
    """The current team is no more: the login stands in none until another one is chosen."""
    if not isinstance(session.bearer, LoginBearer):
        return []
    session.bearer.switch(None)
    others = [each["name"] for each in my_teams(session) if each["id"] != team]
    if not others:
        return [hint("You are in no team now: `cygni team create NAME` or `cygni team join LINK`.")]
    return [hint(f"Choose another team with `cygni team switch NAME`: {', '.join(others)}.")]


def _elsewhere(problem: Problem, token: str, url: str) -> Problem:
    """A link of another control plane is not valid here, which is worth a word."""
    parts, here = urlsplit(token), urlsplit(url)
    if problem.status == 404 and parts.netloc and parts.netloc != here.netloc:
        there = f"{parts.scheme}://{parts.netloc}"
        problem.remedy += f" It is of {there}: sign in there with `cygni login --endpoint {there}`."
    return problem


for _name, _verb in members.items():
    team.command(_name)(_verb)
