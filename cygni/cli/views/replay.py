"""Recorded verdicts beside those that the same evidence gets again."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import Group, RenderableType
from rich.text import Text

from cygni.cli.shapes import Replay, Replayed
from cygni.cli.views.words import clock_time, plain_table

LEFT_OUT = "Only the newest hundred analyses were judged again; the rollout has older ones."


def replay_view(replay: Replay, limits: Mapping[str, float | None]) -> RenderableType:
    """Each analysis with its recorded and replayed verdict; `limits` are those that were asked for in place of the recorded."""
    if not replay["items"]:
        return Text("No analysis was recorded, so there is nothing to judge again.")
    table = plain_table("TIME", "STEP", "RECORDED", "REPLAYED", "", "REASON", right=("STEP",))
    for each in replay["items"]:
        same = Text("agrees", style="green") if each["agrees"] else Text("differs", style="bold red")
        recorded, replayed = each["recorded"], each["replayed"]
        table.add_row(
            clock_time(each["at"]), str(each["step"] + 1), recorded["decision"], replayed["decision"], same, replayed["reason"]
        )
    left_out = [Text(LEFT_OUT, style="yellow")] if replay["left_out"] else []
    return Group(table, *left_out, _hypothetical(replay, limits) if limits else _proof(replay))


def _proof(replay: Replay) -> Text:
    total = len(replay["items"])
    differing = [each for each in replay["items"] if not each["agrees"]]
    summary = f"{len(differing)} of {total} verdicts differ." if differing else f"All {total} verdicts agree."
    notes = sorted({each["note"] for each in differing if each["note"]})
    return Text.assemble((summary, "bold red" if differing else "bold green"), *(f" {note}" for note in notes))


def _hypothetical(replay: Replay, limits: Mapping[str, float | None]) -> Text:
    """What would have happened: the first verdict that another one would have taken the place of. What followed it is moot."""
    asked = ", ".join(f"no {name}" if limit is None else f"{name} {limit:g}" for name, limit in limits.items())
    other = next((each for each in replay["items"] if not each["agrees"]), None)
    if other is None:
        part = "that part of the rollout" if replay["left_out"] else "the rollout"
        return Text(f"With {asked} {part} would have gone as it did.", style="bold")
    return Text(f"With {asked} it would have gone otherwise from {_told(other)}", style="bold yellow")


def _told(other: Replayed) -> str:
    return (
        f"{clock_time(other['at'])} on, in step {other['step'] + 1}: {other['replayed']['decision']} "
        f"in place of {other['recorded']['decision']}. {other['replayed']['reason']}"
    )
