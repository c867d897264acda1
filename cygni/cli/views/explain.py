"""Why a rollout went as it did, for people: its picture, its steps, and the sample that decided."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from cygni.cli.shapes import Deployment, Explanation, StepExplained
from cygni.cli.views.chart import Chart
from cygni.cli.views.course import Decided, course_of
from cygni.cli.views.words import NOTHING, clock_time, plain_table, release_name, state_text

_HEADS = ("STEP", "FROM", "TO", "WEIGHT", "CANARY", "STABLE", "VERDICT")


def explanation_view(deployment: Deployment, explanation: Explanation) -> RenderableType:
    """The whole explanation; who decided, and why, where nothing was seen."""
    place = f"{deployment['project']}/{deployment['environment']}/{deployment['service']}"
    head = Text.assemble((f"{release_name(deployment['release'])} of {place}: ", "bold"), state_text(deployment["state"]))
    whole = course_of(explanation)
    if whole is None:
        return Group(head, *(Text(line) for line in unseen(explanation)))
    return Group(head, Text(), Chart(whole), Text(), steps_table(explanation), Text(), *decision(explanation, whole.decided))


def steps_table(explanation: Explanation) -> RenderableType:
    """A row for each step: its time, its traffic, and its newest verdict."""
    table = plain_table(*_HEADS, right=("STEP", "WEIGHT", "CANARY", "STABLE"))
    for step in explanation["items"]:
        last = step["points"][-1] if step["points"] else None
        table.add_row(
            str(step["step"] + 1),
            clock_time(step["started_at"]),
            clock_time(step["at"]),
            f"{last['weight']} %" if last else NOTHING,
            _requests(step, "canary"),
            _requests(step, "stable"),
            step["verdict"]["decision"],
        )
    return table


def decision(explanation: Explanation, decided: Decided | None) -> Iterator[Text]:
    """What decided, in words: the sample and its gate, a person, or whatever did, and how each gate was judged at the end."""
    yield Text(headline(explanation, decided), style="bold")
    last = explanation["items"][-1]
    if explanation["decider"] in ("judge", "nobody"):
        yield Text(f"  {last['verdict']['reason']}")
    else:
        yield Text(f"  The judge's last word, in step {last['step'] + 1}: {last['verdict']['decision']}.")
        yield Text(f"  {last['verdict']['reason']}")
    for gate in last["gates"]:
        mark, style = {"pass": ("✔", "green"), "fail": ("✘", "bold red")}.get(gate["outcome"], ("?", "yellow"))
        advisory = " (advisory)" if gate["weight"] == "advisory" else ""
        yield Text.assemble((f"  {mark} {gate['name']}{advisory}: ", style), gate["sentence"])


def headline(explanation: Explanation, decided: Decided | None) -> str:
    """Who or what decided, in one line."""
    by = f", by gate {decided.gate}" if decided and decided.gate else ""
    match explanation["decider"]:
        case "judge":
            return f"Decided by {sample_words(decided)}{by}." if decided else "Time decided, and no sample."
        case "nobody" if decided:
            return f"{explanation['reason']} So far decided by {sample_words(decided)}."
        case "nobody":
            return f"Nothing is decided yet. {explanation['reason']}"
        case _:
            return f"{explanation['reason']}{_by(explanation)}"


def unseen(explanation: Explanation) -> Iterator[str]:
    """What is to be said where no sample was seen."""
    yield f"{explanation['reason']}{_by(explanation)}"
    if explanation["decider"] != "nobody":
        yield "The judge saw no sample of it, so there is nothing to draw."


def _by(explanation: Explanation) -> str:
    return f" Asked for by {explanation['by']}." if explanation["by"] else ""


def sample_words(decided: Decided) -> str:
    """Which sample it was, for people."""
    return (
        f"sample {decided.sample} of {decided.of} of step {decided.step}, "
        f"at {clock_time(decided.time)} UTC, {decided.at:.1f} s after the first"
    )


def _requests(step: StepExplained, arm: str) -> str:
    for point in reversed(step["points"]):
        seen = point["canary"] if arm == "canary" else point["stable"]
        if seen is not None:
            return f"{seen['errors']:,} of {seen['requests']:,} failed"
    return NOTHING
