"""Looking back at a rollout: why it went as it did, and what other limits would have made of it."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cygni.cli.errors import Usage
from cygni.cli.exits import Exit
from cygni.cli.frame import Scope, command
from cygni.cli.names import deployment_id
from cygni.cli.options import DeploymentWord
from cygni.cli.outfile import written
from cygni.cli.session import Session
from cygni.cli.views.explain import explanation_view
from cygni.cli.views.page import page
from cygni.cli.views.replay import replay_view

GATES = ("errorRate", "latencyP95", "errorRateIncrease", "latencyP95Increase")


@command(Scope.SERVICE)
def explain(
    session: Session,
    deployment: DeploymentWord = "latest",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page of HTML, which needs nothing else.")
    ] = None,
) -> None:
    """Show why a rollout went as it did: both versions over time, with their bands, and the sample that decided.

    Example: cygni explain r3
    """
    place = session.place
    found = deployment_id(session.api, place, deployment)
    answer = session.api.explanation(place, found)
    made = session.api.deployment(place, found)
    if html is None:
        session.printer.show(answer, lambda: [explanation_view(made, answer)])
        return
    with written(html) as out:
        out.write(page(made, answer))
    session.printer.result(answer, Text(f"Wrote {html}."))


@command(Scope.SERVICE)
def replay(
    session: Session,
    deployment: DeploymentWord = "latest",
    alpha: Annotated[
        float | None,
        typer.Option("--alpha", metavar="PERCENT", help="Judge with this chance of a false roll-back.", min=0.0001, max=50),
    ] = None,
    gate: Annotated[
        list[str] | None,
        typer.Option("--gate", metavar="NAME=LIMIT", help=f"Judge with this limit; names: {', '.join(GATES)}."),
    ] = None,
) -> Exit | None:
    """Judge a rollout again from its recorded evidence; exit code 13 if a verdict differs.

    With --alpha or --gate: what would have happened with them, and a verdict that differs is no fault.

    Example: cygni replay r3 --gate errorRate=2 --alpha 0.1
    """
    limits = _limits(gate or ())
    if alpha is not None:
        limits["alpha"] = alpha
    place = session.place
    answer = session.api.replay(place, deployment_id(session.api, place, deployment), limits)
    session.printer.result(answer, replay_view(answer, limits))
    return None if answer["agrees"] or limits else Exit.DISAGREES


def _limits(given: Sequence[str]) -> dict[str, float]:
    """The limits by gate. Raises Usage."""
    limits = {}
    for each in given:
        name, sign, value = each.partition("=")
        if name not in GATES or not sign:
            raise Usage(f"{each!r} names no gate and its limit.", remedy=f"Write NAME=LIMIT; names are {', '.join(GATES)}.")
        try:
            limits[name] = float(value)
        except ValueError:
            limits[name] = float("nan")
        if not isfinite(limits[name]):
            raise Usage(f"{value!r} is no limit of {name}.", remedy=f"Give a number, such as --gate {name}=5.")
    return limits
