"""Follows a deployment before a person's or a machine's eyes, and says with an exit code how it ended."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Protocol

from rich.console import RenderableType
from rich.live import Live
from rich.text import Text

from cygni.cli.api import Place
from cygni.cli.errors import CliError
from cygni.cli.exits import Exit, exit_of
from cygni.cli.follow import Awaiting, BuildLine, Ended, Follower, Happened, Item, Lost, Progress
from cygni.cli.printer import Printer
from cygni.cli.runtime import Runtime
from cygni.cli.session import Session
from cygni.cli.shapes import Deployment, LogLine
from cygni.cli.views.outcome import awaiting, outcome
from cygni.cli.views.progress import build_line, event_line, progress_line, progress_table

_LINES_EVERY = timedelta(seconds=5)
_SAME_LINE_EVERY = timedelta(minutes=1)
_LAST_LINES = 10


class Show(Protocol):
    """Where the items of a following go."""

    def show(self, item: Item) -> None:
        """Show one item."""


class _PeopleShow(ABC):
    """What both ways of showing to people share: events and build lines scroll by. `say` gives names for ids."""

    def __init__(self, printer: Printer, say: Callable[[str], str]) -> None:
        self._printer = printer
        self._say = say

    def show(self, item: Item) -> None:
        """Print one item, or hand progress on."""
        if isinstance(item, Happened):
            self._printer.note(event_line(item.event, self._say))
        elif isinstance(item, BuildLine):
            self._printer.note(build_line(item.text))
        elif isinstance(item, Lost):
            self._printer.note(Text(f"{item.message} Trying again."))
        else:
            self.progress(item if isinstance(item, Progress) else None)

    @abstractmethod
    def progress(self, item: Progress | None) -> None:
        """Show where the rollout stands; None at the end."""


class PlainShow(_PeopleShow):
    """Without a terminal, and for logs: a line when the weight moved, every 5 s for new numbers, every minute for the same."""

    def __init__(self, printer: Printer, say: Callable[[str], str], runtime: Runtime) -> None:
        super().__init__(printer, say)
        self._now = runtime.now
        self._last: tuple[int, str, datetime] | None = None

    def progress(self, item: Progress | None) -> None:
        """Print a line if it is news."""
        if item is None:
            return
        weight, now, line = (
            (item.traffic or item.deployment["rollout"] or {"weight": 0})["weight"],
            self._now(),
            progress_line(item),
        )
        if self._last is not None and self._last[0] == weight:
            pause = _SAME_LINE_EVERY if self._last[1] == line else _LINES_EVERY
            if now - self._last[2] < pause:
                return
        self._last = (weight, line, now)
        self._printer.note(Text(line))


class LiveShow(_PeopleShow):
    """For a terminal: below the events the table of both arms is redrawn in place."""

    def __init__(self, printer: Printer, say: Callable[[str], str], live: Live) -> None:
        super().__init__(printer, say)
        self._live = live

    def progress(self, item: Progress | None) -> None:
        """Redraw the table, or take it away."""
        self._live.update("" if item is None else progress_table(item), refresh=True)


class StreamShow:
    """For machines that follow: one JSON object a line, told apart by `type`."""

    def __init__(self, printer: Printer) -> None:
        self._printer = printer

    def show(self, item: Item) -> None:
        """Print one item as a JSON line."""
        if isinstance(item, Happened):
            self._printer.stream({"type": "event", **item.event})
        elif isinstance(item, BuildLine):
            self._printer.stream({"type": "build_log", "text": item.text})
        elif isinstance(item, Progress):
            self._printer.stream({"type": "progress", "deployment": item.deployment, "traffic": item.traffic})
        elif isinstance(item, Ended | Awaiting):
            kind = "ended" if isinstance(item, Ended) else "awaiting_approval"
            self._printer.stream({"type": kind, "deployment": item.deployment})


class NoShow:
    """For machines that want the end only."""

    def show(self, item: Item) -> None:
        """Nothing."""


def begin(session: Session, deployment: Deployment, *, wait: bool) -> Exit:
    """What follows the making of a deployment: watch it, or with `--detach` say how to."""
    printer = session.printer
    what = f"{deployment['kind']} r{deployment['release']} of {_place(deployment)}"
    printer.note(Text.assemble((what, "bold"), (f"  {deployment['id']}", "dim")))
    if wait:
        return watch(session, deployment)
    hint = f"Follow it with `cygni follow {deployment['id']}`."
    printer.result(deployment, Text.assemble(("next: ", "bold"), hint))
    return Exit.OK


def watch(session: Session, deployment: Deployment, *, stream: bool = False) -> Exit:
    """Follow a deployment to its end, or to where it awaits approval. Ctrl-C stops the following, not the deployment.

    In `--json` a `stream` prints each item as a line; otherwise the deployment as it is then is the one document.
    """
    place = _place(deployment)
    follower = Follower(session.api, place, deployment, sleep=session.runtime.sleep, poll=session.runtime.poll)
    last: Deployment | None = None
    try:
        with ExitStack() as stack:
            show = _choose(session, stack, stream=stream)
            for item in follower.items():
                show.show(item)
                last = item.deployment if isinstance(item, Ended | Awaiting) else last
    except KeyboardInterrupt:
        session.printer.err.print(_detached(deployment["id"]))
        return Exit.INTERRUPTED
    if last is None:
        raise AssertionError("following ends with Ended or Awaiting, or raises")
    if not (stream and session.printer.json_mode):
        session.printer.show(last, lambda: [_end_view(session, place, last)])
    return exit_of(last["state"])


def _end_view(session: Session, place: Place, deployment: Deployment) -> RenderableType:
    people = session.people
    if not deployment["ended"]:
        return awaiting(deployment, people.approvers(), people.named)
    return outcome(deployment, _last_words(session, place, deployment), people.named)


def _place(deployment: Deployment) -> Place:
    return Place(deployment["project"], deployment["environment"], deployment["service"])


def _choose(session: Session, stack: ExitStack, *, stream: bool) -> Show:
    printer, say = session.printer, session.people.named
    if printer.json_mode:
        return StreamShow(printer) if stream else NoShow()
    if printer.live:
        return LiveShow(printer, say, stack.enter_context(Live(console=printer.out, auto_refresh=False, transient=True)))
    return PlainShow(printer, say, session.runtime)


def _last_words(session: Session, place: Place, deployment: Deployment) -> list[LogLine]:
    """The release's last log lines when they may explain why it is not live; none if they cannot be had."""
    at_fault = deployment["state"] in {"rolled_back", "failed"} and deployment["requested"] != "abort"
    if not at_fault or deployment["image"] is None:
        return []
    try:
        return session.api.logs(place, release=deployment["release"], limit=_LAST_LINES)["items"]
    except CliError:  # the outcome itself is more important than its illustration
        return []


def _detached(deployment: str) -> Text:
    return Text(
        "\nNo longer following; the deployment goes on.\n"
        f"Follow it again with `cygni follow {deployment}`, or stop it with `cygni abort {deployment}`."
    )
