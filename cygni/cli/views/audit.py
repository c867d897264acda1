"""The audit trail for people to read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cygni.cli.chain import Finding
from cygni.cli.identity_shapes import Line
from cygni.cli.views.words import NOTHING, parse_time, plain_table

MOST_FAULTS = 20
"""Faults that are shown; whoever rewrote a whole trail has left one at each line."""


def audit_table(lines: Sequence[Line], say: Callable[[str], str]) -> RenderableType:
    """Who did what, newest first; `say` gives names for ids."""
    if not lines:
        return Text("No line matches.")
    table = plain_table("LINE", "TIME (UTC)", "WHO", "WHAT", "ON", "OUTCOME", "FROM", right=("LINE",))
    for each in lines:
        refused = each["outcome"] != "done"
        outcome = Text(f"refused: {each['code']}" if refused else "done", style="red" if refused else "")
        when = parse_time(each["at"]).strftime("%Y-%m-%d %H:%M:%S")
        where = each["source"] or NOTHING
        table.add_row(str(each["seq"]), when, say(each["actor"]), each["operation"], say(each["resource"]), outcome, where)
    return table


def finding_view(found: Finding) -> RenderableType:
    """Whether the trail holds, and the head to note down."""
    span = f", {found.oldest} to {found.newest}" if found.lines else ""
    looked = f"{_count(found.lines, 'line')}{span}"
    if found.expired:
        looked += f"; {_count(found.expired, 'line')} before or between them expired"
    if found.faults:
        head = Text(f"✘ The audit trail does not hold ({looked}):", style="bold red")
        shown = [Text(f"  line {each.seq}: {each.sentence}") for each in found.faults[:MOST_FAULTS]]
        more = len(found.faults) - len(shown)
        return Group(head, *shown, *([Text(f"  and {more:,} more: `--json` has them all")] if more else []))
    return Group(
        Text(f"✔ The audit trail holds ({looked}).", style="bold green"),
        Text.assemble(("head ", "bold"), str(found.head)),
        Text.assemble(
            ("next: ", "bold"), "Note the head down elsewhere, and check later that it is still there: `--expect HEAD`."
        ),
    )


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
