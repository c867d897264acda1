"""What the demo says at its end, for people and for machines. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from cygni.cli.shapes import Deployment, Explanation
from cygni.cli.views.explain import explanation_view
from cygni.local.demo.acts import Ending, Explained
from cygni.local.demo.people import Watched

_VERDICTS = {"promoted": "promoted", "rolled_back": "rolled back"}


def result_table(endings: Sequence[Ending]) -> Table:
    """Release, verdict, why, time to verdict, requests that failed."""
    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False)
    table.add_column("Release", no_wrap=True)
    table.add_column("Verdict", no_wrap=True)
    table.add_column("Why", min_width=24)
    table.add_column("Time to\nverdict", justify="right", no_wrap=True)
    table.add_column("Failed\nrequests", justify="right", no_wrap=True)
    for each in endings:
        style = "green" if each.as_expected else "bold red"
        failed = f"{each.failed:,} of {each.requests:,}" if each.requests else "–"
        table.add_row(
            f"r{each.release} {each.act.example}",
            Text(_VERDICTS.get(each.state, each.state), style=style),
            each.why,
            "–" if each.seconds is None else f"{each.seconds:.1f} s",
            failed,
        )
    return table


def closing(
    endings: Sequence[Ending],
    complaints: Sequence[str],
    *,
    total: int,
    seconds: float,
    watched: Watched | None = None,
    explained: Explained | None = None,
) -> RenderableType:
    """Why the first bad version was rolled back, the table, and the demo's own verdict below it."""
    parts: list[RenderableType] = []
    if explained is not None:
        parts += [Text(f"\n$ cygni explain r{explained.deployment['release']}", style="dim"), _picture(explained)]
    parts.append(result_table(endings))
    if complaints:
        parts.append(Text("The demo failed:", style="bold red"))
        parts.extend(Text(f"  {each}") for each in complaints)
    else:
        told = f"{total:,} requests in {seconds:.0f} s; none failed but those that the bad canaries failed themselves."
        if watched is not None:
            parts.append(Text(f'Grace, a Viewer, may look; `cygni rollback` told her: "{watched.refusal}"'))
            parts.append(Text(f"Who did what is in the audit trail, whose {watched.lines} lines are in order.\n"))
        parts.append(Text("The demo went as it should. ", style="bold green").append(told, style="default"))
    return Group(*parts)


def _picture(explained: Explained) -> RenderableType:
    return explanation_view(cast(Deployment, explained.deployment), cast(Explanation, explained.explanation))


def document(
    endings: Sequence[Ending],
    complaints: Sequence[str],
    *,
    total: int,
    seconds: float,
    watched: Watched | None = None,
    explained: Explained | None = None,
) -> dict[str, Any]:
    """The same for machines: snake_case, seconds as numbers."""
    releases = [
        {
            "release": each.release,
            "example": each.act.example,
            "expected": each.act.expected,
            "state": each.state,
            "why": each.why,
            "seconds_to_verdict": None if each.seconds is None else round(each.seconds, 2),
            "requests": each.requests,
            "failed_requests": each.failed,
        }
        for each in endings
    ]
    return {
        "ok": not complaints,
        "releases": releases,
        "complaints": list(complaints),
        "viewer_refused": watched.refusal if watched else None,
        "audit_lines": watched.lines if watched else None,
        "rolled_back_by": explained.gate if explained else None,
        "requests": total,
        "seconds": round(seconds, 1),
    }
