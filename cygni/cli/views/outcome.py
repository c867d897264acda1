"""How a deployment ended: what happened, why, the application's own last words, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from cygni.cli.shapes import Deployment, LogLine
from cygni.cli.views.words import clock_time, release_name

_HEADS = {
    "promoted": ("✔", "green", "is promoted"),
    "rolled_back": ("✘", "red", "was rolled back"),
    "failed": ("✘", "red", "failed"),
    "cancelled": ("■", "yellow", "was cancelled"),
    "superseded": ("■", "yellow", "was superseded by a newer deployment"),
}


def awaiting(deployment: Deployment, approvers: Sequence[str] = (), say: Callable[[str], str] = str) -> RenderableType:
    """A deployment that somebody has to approve: who may, as far as their names are known, and how."""
    release = release_name(deployment["release"])
    who = f"An Owner or Admin of the team ({_some(approvers)})" if approvers else "An Owner or Admin of the team"
    hints = (f"{who} runs `cygni approve {release}` or `cygni reject {release}`.", f"Withdraw it with `cygni abort {release}`.")
    return Group(
        Text(f"■ {release} of {_place(deployment)} awaits approval", style="bold yellow"),
        _indented(f"{say(deployment['created_by'])} asked for it. Until it is approved, nothing changes."),
        *(Text.assemble(("next: ", "bold"), each) for each in hints),
    )


def outcome(deployment: Deployment, logs: Sequence[LogLine] = (), say: Callable[[str], str] = str) -> RenderableType:
    """The end of a deployment for people. `logs` are the release's last lines, when they may explain a failure."""
    state = deployment["state"]
    mark, style, words = _HEADS.get(state, ("?", "yellow", f"ended: {state}"))
    parts: list[RenderableType] = [
        Text(f"{mark} {release_name(deployment['release'])} of {_place(deployment)} {words}", style=f"bold {style}")
    ]
    reason = say(deployment["outcome"] or "")
    if reason:
        parts.append(_indented(reason))
    new = [line for line in logs if line["text"].strip() and line["text"].strip() not in reason]
    if new:
        parts.append(Text(f"Last lines of {release_name(deployment['release'])}:", style="bold"))
        parts.extend(log_line(line) for line in new)
    parts.extend(Text.assemble(("next: ", "bold"), hint) for hint in next_steps(deployment))
    return Group(*parts)


def next_steps(deployment: Deployment) -> list[str]:
    """What one would do now, as sentences with commands to paste."""
    release, stable = deployment["release"], deployment["stable_release"]
    if deployment["state"] == "promoted":
        return [f"It answers at {deployment['url']}"]
    if deployment["state"] == "rolled_back":
        kept = f"{release_name(stable)} has all the traffic. " if stable is not None else ""
        return [
            f"{kept}Read the failed release's log with `cygni logs --release r{release}`, correct it, and `cygni deploy` again."
        ]
    if deployment["state"] == "failed":
        return [f"Read the whole build log with `cygni build-log r{release}`, correct it, and `cygni deploy` again."]
    if deployment["state"] == "superseded":
        return ["Follow the newer one with `cygni follow latest`."]
    return ["Deploy again with `cygni deploy`."]


def log_line(line: LogLine) -> Text:
    """One line of the application's log; its own colours are kept, other control sequences are not."""
    head = f"{clock_time(line['at'])} {release_name(line['release'])} {line['instance']} │ "
    return Text.assemble((head, "dim"), Text.from_ansi(line["text"]))


def _place(deployment: Deployment) -> str:
    return f"{deployment['project']}/{deployment['environment']}/{deployment['service']}"


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _indented(reason: str) -> Text:
    return Text("\n".join("  " + line for line in reason.splitlines()))
