"""People, teams and credentials for people to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cygni.cli.grants import grant_words
from cygni.cli.identity_shapes import (
    ApiKey,
    Invitation,
    IssuedApiKey,
    Member,
    MyTeam,
    Offer,
    SignIn,
    Team,
    Trust,
    Whoami,
)
from cygni.cli.settings import Context, Means
from cygni.cli.views.words import NOTHING, ago, plain_table, until

_KINDS = {"operator": "the operator", "user": "a person", "key": "an API key", "federated": "a job of GitHub Actions"}
_MEANS = {Means.TOKEN: "a token", Means.LOGIN: "a login", Means.ACTIONS: "GitHub Actions"}


def hint(sentence: str) -> Text:
    """What one would do next."""
    return Text.assemble(("next: ", "bold"), sentence)


def who_line(who: Whoami, teams: Sequence[MyTeam], context: Context) -> Text:
    """Who is signed in where, and as what."""
    name = who["name"] or who["subject"]
    team = next((each["name"] for each in teams if each["id"] == who["team"]), who["team"])
    part = f" in team {team} as {grant_words(who['role'], who['scopes'])}" if who["team"] else ", in no team"
    return Text.assemble(("✔ ", "green"), f"Signed in at {context.url} as {name}{part} (context {context.name}).")


def whoami_view(who: Whoami, team: Team | None, context: Context) -> RenderableType:
    """Whom the credential belongs to, line by line."""
    name = f"{who['name']} " if who["name"] and who["name"] != who["subject"] else ""
    lines = [("subject", f"{name}{who['subject']}, {_KINDS.get(who['kind'], who['kind'])}")]
    if who["team"]:
        lines.append(("team", f"{team['name']} {who['team']}" if team else who["team"]))
        lines.append(("role", grant_words(who["role"], who["scopes"])))
    else:
        lines.append(("team", "none: `cygni team create NAME`, `cygni team join LINK`, or `cygni team switch NAME`"))
    lines.append(("at", f"{context.url}, by {_MEANS[context.means]} (context {context.name})"))
    return Group(*(Text.assemble((f"{label:<8} ", "bold"), text) for label, text in lines))


def my_teams_table(teams: Sequence[MyTeam]) -> RenderableType:
    """The caller's teams; the one that commands are about is marked."""
    if not teams:
        return hint("You are in no team. Create one with `cygni team create NAME`, or join one with `cygni team join LINK`.")
    table = plain_table("", "TEAM", "ROLE", "REGION", "ID")
    for each in teams:
        mark = Text("*", style="green") if each["current"] else ""
        table.add_row(mark, each["name"], each["role"], each["region"] or NOTHING, each["id"])
    return table


def team_view(team: Team) -> RenderableType:
    """A team with what it has."""
    usage = team["usage"]
    lines = [
        ("team", f"{team['name']} {team['id']}"),
        ("region", team["region"] or NOTHING),
        ("projects", f"{usage['projects']} of {usage['most_projects']}"),
        ("services", f"{usage['services']} of {usage['most_services']}"),
        ("previews", f"{usage['previews']} of {usage['most_previews']}"),
        ("audit", f"lines are kept for {team['audit_retention_days']} days"),
    ]
    return Group(*(Text.assemble((f"{label:<9} ", "bold"), text) for label, text in lines))


def members_table(members: Sequence[Member], now: datetime) -> Table:
    """Who is in the team, as what."""
    table = plain_table("NAME", "EMAIL", "ROLE", "JOINED", "ID")
    for each in members:
        role = grant_words(each["role"], each["scopes"])
        table.add_row(each["name"] or NOTHING, each["email"] or NOTHING, role, ago(each["joined_at"], now), each["user"])
    return table


def invitations_table(invitations: Sequence[Invitation], now: datetime, say: Callable[[str], str]) -> RenderableType:
    """Invitations that may still be accepted; `say` gives names for ids."""
    if not invitations:
        return hint("No invitation is open. Make one with `cygni team invite --role developer`.")
    table = plain_table("ID", "ROLE", "FOR", "BY", "EXPIRES")
    for each in invitations:
        role = grant_words(each["role"], each["scopes"])
        table.add_row(each["id"], role, each["note"] or NOTHING, say(each["invited_by"]), until(each["expires_at"], now))
    return table


def offer_line(offer: Offer, now: datetime) -> Text:
    """What an invitation offers."""
    role = grant_words(offer["role"], offer["scopes"])
    return Text(f"An invitation to the team {offer['team_name']} as {role}, it expires {until(offer['expires_at'], now)}.")


def keys_table(keys: Sequence[ApiKey], now: datetime, say: Callable[[str], str]) -> RenderableType:
    """API keys, by what they begin with."""
    if not keys:
        return hint("There is no API key. Make one with `cygni keys create NAME --role developer`.")
    table = plain_table("NAME", "ROLE", "BY", "LAST USED", "EXPIRES", "ID")
    for each in keys:
        role, used = grant_words(each["role"], each["scopes"]), ago(each["last_used_at"], now)
        expires = until(each["expires_at"], now)
        if each["old_secret_until"]:
            expires += f" (old secret {until(each['old_secret_until'], now)})"
        table.add_row(each["name"], role, say(each["created_by"]), used, expires, each["id"])
    return table


def issued_key_lines(issued: IssuedApiKey, now: datetime) -> list[RenderableType]:
    """A key that is shown this once, alone on its line."""
    role = grant_words(issued["role"], issued["scopes"])
    lines: list[RenderableType] = [
        Text(f"API key {issued['name']} ({issued['id']}), {role}, expires {until(issued['expires_at'], now)}:"),
        Text(issued["key"], style="bold", no_wrap=True, overflow="ignore"),
        Text("It is not shown again: put it where it is needed, as CYGNI_TOKEN.", style="yellow"),
    ]
    if issued["old_secret_until"]:
        lines.append(Text(f"The secret before it ends {until(issued['old_secret_until'], now)}."))
    return lines


def trusts_table(trusts: Sequence[Trust], say: Callable[[str], str]) -> RenderableType:
    """Which workflows may sign in, as what."""
    if not trusts:
        return hint("No workflow is trusted. Trust one with `cygni ci trust OWNER/REPOSITORY --role developer`.")
    table = plain_table("NAME", "REPOSITORY", "REF", "ENVIRONMENT", "ROLE", "BY", "ID")
    for each in trusts:
        role = grant_words(each["role"], each["scopes"])
        ref, place = each["ref"] or "any branch", each["environment"] or "any"
        table.add_row(each["name"], each["repository"], ref, place, role, say(each["created_by"]), each["id"])
    return table


def sessions_table(sessions: Sequence[SignIn], now: datetime) -> RenderableType:
    """Where somebody is signed in."""
    if not sessions:
        return Text("There is no sign-in: this credential is no person's.")
    table = plain_table("", "DEVICE", "CLIENT", "SIGNED IN", "LAST USED", "ID")
    for each in sessions:
        mark = Text("*", style="green") if each["current"] else ""
        signed, used = ago(each["created_at"], now), ago(each["last_used_at"], now)
        table.add_row(mark, each["device_name"] or NOTHING, each["client"], signed, used, each["id"])
    return table
