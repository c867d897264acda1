"""Lists and single things as tables for people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cygni.cli.shapes import Config, Deployment, Environment, Plan, Project, Release, Service
from cygni.cli.views.words import NOTHING, ago, parse_time, plain_table, release_name, short_image, state_text

MASK = "••••••••"


def projects_table(projects: Sequence[Project], now: datetime) -> Table:
    """Projects by name."""
    table = plain_table("PROJECT", "CREATED", "DESCRIPTION")
    for each in projects:
        table.add_row(each["name"], ago(each["created_at"], now), each["description"])
    return table


def environments_table(environments: Sequence[Environment], now: datetime) -> Table:
    """Environments of a project."""
    table = plain_table("ENVIRONMENT", "CREATED", "FROZEN", "DESCRIPTION")
    for each in environments:
        ends = [freeze["until"] for freeze in each.get("freezes", []) if parse_time(freeze["begins"]) <= now]
        frozen = f"until {max(ends, key=parse_time)[:16]}Z" if ends and parse_time(max(ends, key=parse_time)) > now else NOTHING
        table.add_row(each["name"], ago(each["created_at"], now), frozen, each["description"])
    return table


def freezes_table(environment: Environment) -> Table:
    """The times in which no release begins."""
    table = plain_table("FROM", "UNTIL", "REASON")
    for each in environment.get("freezes", []):
        table.add_row(f"{each['begins'][:16]}Z", f"{each['until'][:16]}Z", each["reason"])
    return table


def services_table(services: Sequence[Service]) -> Table:
    """Services of an environment with what is live and what is coming."""
    table = plain_table("SERVICE", "LIVE", "STATE", "URL")
    for each in services:
        table.add_row(each["name"], release_name(each["live_release"]), service_state(each), each["url"])
    return table


def service_state(service: Service) -> str:
    """One word for what is going on with a service."""
    if service["deleting"]:
        return "deleting"
    if service["active_deployment"]:
        return "deploying, one waits" if service["waiting_deployment"] else "deploying"
    return "live" if service["live_release"] is not None else "never deployed"


def deployments_table(deployments: Sequence[Deployment], now: datetime) -> Table:
    """Deployments, newest first."""
    table = plain_table("RELEASE", "STATE", "KIND", "STARTED", "COMMIT", "ID", "MESSAGE")
    for each in deployments:
        table.add_row(
            release_name(each["release"]),
            state_text(each["state"]),
            each["kind"],
            ago(each["created_at"], now),
            each["commit"][:8] or NOTHING,
            each["id"],
            first_line(each["outcome"] or each["message"]),
        )
    return table


def releases_table(releases: Sequence[Release], now: datetime) -> Table:
    """Releases, newest first; the live one is marked."""
    table = plain_table("RELEASE", "LIVE", "MADE", "IMAGE", "CONFIG", right=("CONFIG",))
    for each in releases:
        live = Text("live", style="green") if each["live"] else Text("")
        table.add_row(
            release_name(each["number"]),
            live,
            ago(each["created_at"], now),
            short_image(each["image"]),
            str(each["config_version"]),
        )
    return table


def config_table(config: Config, *, show: bool) -> RenderableType:
    """Variables by name, their values masked unless `show`."""
    if not config["values"]:
        return Text("No variables are set. Set one with `cygni config set KEY=VALUE`.")
    table = plain_table("VARIABLE", "VALUE")
    for name, value in sorted(config["values"].items()):
        table.add_row(name, value if show else MASK)
    return table


def plan_view(plan: Plan) -> RenderableType:
    """How a source would be built."""
    lines = [Text.assemble(("kind   ", "bold"), plan["kind"]), Text.assemble(("build  ", "bold"), plan["summary"])]
    if plan["start"]:
        found = f"  (from {plan['start_from']})" if plan["start_from"] else ""
        lines.append(Text.assemble(("start  ", "bold"), plan["start"], (found, "dim")))
    if plan["dockerfile"]:
        lines.append(Text("\nGenerated Dockerfile:", style="bold"))
        lines.append(Text("\n".join("  " + line for line in plan["dockerfile"].splitlines()), style="dim"))
    return Group(*lines)


def first_line(text: str) -> str:
    """The first line of a text, at most 80 characters."""
    line = text.strip().split("\n", 1)[0]
    return line if len(line) <= 80 else line[:79] + "…"
