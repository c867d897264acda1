"""A rollout while it runs: the live table, and the same as one line."""

from __future__ import annotations

from collections.abc import Callable

from rich.console import Group, RenderableType
from rich.text import Text

from cygni.cli.follow import Progress
from cygni.cli.shapes import Arm, Event, Rollout
from cygni.cli.views.words import NOTHING, clock_time, milliseconds, percent, plain_table, release_name

_WITHOUT_TRAFFIC = frozenset({"pending", "preparing", "awaiting_ready"})
_DECISIONS = {"rollBack": "roll back"}
_LOUD = {"promoted": "green", "rolled_back": "red", "rolling_back": "red", "failed": "red", "verdict": "cyan"}


def event_line(event: Event, say: Callable[[str], str] = str) -> Text:
    """One event: when, what, and who asked for it; `say` gives names for ids."""
    line = Text.assemble(
        (clock_time(event["at"]), "dim"), "  ", (event["kind"].replace("_", " "), _LOUD.get(event["kind"], "bold"))
    )
    if event["message"]:
        line.append("  " + say(event["message"]))
    if event.get("by"):
        line.append(f"  by {say(str(event['by']))}", style="dim")
    return line


def build_line(text: str) -> Text:
    """One line of the build's log; its own colours are kept, other control sequences are not."""
    return Text.assemble(("  │ ", "dim"), Text.from_ansi(text))


def step_words(rollout: Rollout) -> str:
    """`step 1 of 2, 10 % of traffic`; the words for a paused rollout too."""
    words = f"{rollout['weight']} % of traffic"
    if rollout["steps"] and rollout["step"] < len(rollout["steps"]):
        words = f"step {rollout['step'] + 1} of {len(rollout['steps'])}, {words}"
    return f"{words}, paused" if rollout["paused"] else words


def progress_table(progress: Progress) -> RenderableType:
    """Both arms side by side under the weight, and what the judge makes of them."""
    deployment, traffic = progress.deployment, progress.traffic
    rollout = deployment["rollout"]
    head = Text.assemble((f"{deployment['service']} {release_name(deployment['release'])}", "bold"), "  ")
    if rollout is not None:
        head.append(f"{rollout['phase'].replace('_', ' ')}: {step_words(rollout)}")
    if deployment["requested"]:
        head.append(f"  ({deployment['requested']} requested)", style="yellow")
    weight = traffic["weight"] if traffic else rollout["weight"] if rollout else 0
    table = plain_table("", "RELEASE", "WEIGHT", "REQUESTS", "ERRORS", "P95", right=("WEIGHT", "REQUESTS", "ERRORS", "P95"))
    table.add_row("canary", *_cells(traffic["canary"] if traffic else None, deployment["release"], weight))
    if deployment["stable_release"] is not None:
        table.add_row("stable", *_cells(traffic["stable"] if traffic else None, deployment["stable_release"], 100 - weight))
    parts: list[RenderableType] = [head, table, Text.assemble(("verdict ", "bold"), judgement(progress) or "not yet")]
    return Group(*parts, Text.assemble(("next: ", "bold"), idle)) if (idle := idle_hint(progress)) else Group(*parts)


def progress_line(progress: Progress) -> str:
    """The live table as one line, for logs."""
    deployment, traffic = progress.deployment, progress.traffic
    rollout = deployment["rollout"]
    if rollout is not None and rollout["phase"] in _WITHOUT_TRAFFIC:
        return f"{release_name(deployment['release'])} {rollout['phase'].replace('_', ' ')}"
    parts = [f"{release_name(deployment['release'])} {step_words(rollout) if rollout else deployment['state']}"]
    for name, arm in (("canary", traffic["canary"]), ("stable", traffic["stable"])) if traffic else ():
        if arm is not None:
            numbers = f"{arm['requests']} requests, {percent(arm['error_rate'])} errors, p95 {milliseconds(arm['latency_p95'])}"
            parts.append(f"{name} {numbers}")
    judged, idle = judgement(progress), idle_hint(progress)
    return "; ".join([*parts, f"verdict: {judged}"] if judged else parts) + (f" {idle}" if idle else "")


def idle_hint(progress: Progress) -> str:
    """What to do about a canary that nobody uses: it is never promoted on no data. Empty while requests come in."""
    traffic = progress.traffic
    if traffic is None or traffic["canary"] is None or traffic["weight"] == 0:
        return ""
    if traffic["canary"]["requests"] or (traffic["stable"] or {"requests": 0})["requests"]:
        return ""
    deployment = progress.deployment
    return f"No requests come in. Send some to {deployment['url']}, or go on without them: `cygni promote`."


def judgement(progress: Progress) -> str:
    """What the judge says now, else what it said last; empty while there is no traffic to judge."""
    rollout = progress.deployment["rollout"]
    if rollout is not None and rollout["phase"] in _WITHOUT_TRAFFIC:
        return ""
    verdict = progress.traffic["verdict"] if progress.traffic else None
    if verdict is not None:
        return f"{_DECISIONS.get(verdict['decision'], verdict['decision'])}: {verdict['reason']}"
    return rollout["reason"] if rollout else ""


def _cells(arm: Arm | None, release: int, weight: int) -> tuple[str, ...]:
    if arm is None:
        return (release_name(release), f"{weight} %", NOTHING, NOTHING, NOTHING)
    return (
        release_name(arm["release"]),
        f"{weight} %",
        str(arm["requests"]),
        percent(arm["error_rate"]),
        milliseconds(arm["latency_p95"]),
    )
