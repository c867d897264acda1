"""Looking back at a rollout: why it went as it did, and what other limits would have made of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
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
from cygni.cli.shapes import Explanation
from cygni.cli.views.explain import explanation_view
from cygni.cli.views.page import page
from cygni.cli.views.replay import replay_view

_CUSTOM = re.compile(r"[a-z](-?[a-z0-9])*$")
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
    told: Explanation = {**answer, "by": session.people.name(answer["by"])} if answer["by"] else answer
    if html is None:
        session.printer.show(answer, lambda: [explanation_view(made, told)])
        return
    with written(html) as out:
        out.write(page(made, told))
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
        typer.Option(
            "--gate",
            metavar="NAME=LIMIT",
            help=f"Judge with this limit, null for none; names: {', '.join(GATES)}, and recorded custom gates.",
        ),
    ] = None,
) -> Exit | None:
    """Judge a rollout again from its recorded evidence; exit code 13 if a verdict differs.

    With --alpha or --gate: what would have happened with them, at every recorded sample; a verdict that differs is no fault.

    Example: cygni replay r3 --gate errorRate=2 --alpha 0.1
    """
    limits = _limits(gate or ())
    query = _query(limits)
    if alpha is not None:
        limits["alpha"] = query["alpha"] = alpha
    place = session.place
    answer = session.api.replay(place, deployment_id(session.api, place, deployment), query)
    session.printer.result(answer, replay_view(answer, limits))
    return None if answer["agrees"] or limits else Exit.DISAGREES


def _limits(given: Sequence[str]) -> dict[str, float | None]:
    """The limits by gate; None for one that is not to be judged. Raises Usage."""
    limits: dict[str, float | None] = {}
    for each in given:
        name, sign, value = each.partition("=")
        if not sign or not (name in GATES or _CUSTOM.match(name)):
            known = f"names are {', '.join(GATES)}, and those of the rollout's custom gates"
            raise Usage(f"{each!r} names no gate and its limit.", remedy=f"Write NAME=LIMIT or NAME=null; {known}.")
        limits[name] = None if value == "null" else _limit(name, value)
    return limits


def _limit(name: str, text: str) -> float:
    try:
        limit = float(text)
    except ValueError:
        limit = float("nan")
    if not isfinite(limit) or (name in GATES and limit < 0):
        raise Usage(f"{text!r} is no limit of {name}.", remedy=f"Give a number, such as --gate {name}=5, or null to drop it.")
    return limit


def _query(limits: Mapping[str, float | None]) -> dict[str, str | float]:
    """The limits as the API takes them."""
    asked: dict[str, str | float] = {name: limit for name, limit in limits.items() if name in GATES and limit is not None}
    custom = [f"{name}={limit:f}" for name, limit in limits.items() if name not in GATES and limit is not None]
    lists = {"custom": custom, "drop": [name for name, limit in limits.items() if limit is None]}
    return asked | {name: ",".join(values) for name, values in lists.items() if values}
