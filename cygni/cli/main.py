"""The `cygni` command: its whole tree on one screen, grouped by what one is about to do."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from cygni import __version__
from cygni.cli.commands import account, config, deploy, doctor, evidence, history, init, login, logs, me, places, rollouts
from cygni.cli.commands.admin import admin
from cygni.cli.commands.audit import audit
from cygni.cli.commands.ci import ci
from cygni.cli.commands.clusters import clusters
from cygni.cli.commands.keys import keys
from cygni.cli.commands.team import team

app = typer.Typer(
    name="cygni",
    help="Deploy applications, with health-gated canaries, to any Kubernetes.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"cygni {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Deploy applications, with health-gated canaries, to any Kubernetes."""


TREE: tuple[tuple[str, dict[str, Callable[..., None] | typer.Typer]], ...] = (
    (
        "Ship",
        {
            "init": init.init,
            "plan": deploy.plan,
            "deploy": deploy.deploy,
            "follow": rollouts.follow,
            "rollback": rollouts.rollback,
        },
    ),
    (
        "Steer a rollout",
        {
            "promote": rollouts.promote,
            "pause": rollouts.pause,
            "resume": rollouts.resume,
            "abort": rollouts.abort,
            "approve": rollouts.approve,
            "reject": rollouts.reject,
        },
    ),
    (
        "Look",
        {
            "status": history.status,
            "deployments": history.deployments,
            "releases": history.releases,
            "logs": logs.logs,
            "build-log": logs.build_log,
            "explain": evidence.explain,
            "replay": evidence.replay,
            "open": account.open_url,
        },
    ),
    (
        "Set up",
        {
            "config": config.config,
            "projects": places.projects,
            "environments": places.environments,
            "services": places.services,
            "clusters": clusters,
        },
    ),
    (
        "Who may do what",
        {
            "login": login.login,
            "logout": login.logout,
            "whoami": account.whoami,
            "team": team,
            "keys": keys,
            "ci": ci,
            "audit": audit,
            "sessions": me.sessions,
            "account": me.account,
        },
    ),
    (
        "Operate an installation",
        {
            "admin": admin,
        },
    ),
    (
        "This machine",
        {
            "doctor": doctor.doctor,
            "version": account.version,
        },
    ),
)
"""Panel → command name → verb, or a group of verbs for a noun."""

for _panel, _commands in TREE:
    for _name, _verb in _commands.items():
        if isinstance(_verb, typer.Typer):
            app.add_typer(_verb, name=_name, rich_help_panel=_panel)
        else:
            app.command(_name, rich_help_panel=_panel)(_verb)


def run() -> None:
    """The console script's entry."""
    # Accents and box characters must not end a deployment on a terminal with a narrow encoding.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    app(prog_name="cygni")
