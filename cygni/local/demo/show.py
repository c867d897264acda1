"""The demo while it runs: a picture redrawn in place on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from cygni.cli.follow import Progress
from cygni.cli.shapes import Event
from cygni.cli.views.progress import event_line, progress_line, progress_table
from cygni.local.demo.acts import ACTS, Act, Ending
from cygni.local.demo.tally import Seen

_LINE_EVERY = 2.0  # seconds between two lines about the same weight, where lines are printed


class Stage:
    """Shows the acts: those that ended, the one under way, and the traffic as its sender sees it.

    Used as a context manager. `seen` gives what the load generator saw so far.
    """

    def __init__(self, console: Console, seen: Callable[[], Sequence[Seen]]) -> None:
        self._console = console
        self._seen = seen
        self._live: Live | None = None
        self._act: Act | None = None
        self._note = ""
        self._progress: Progress | None = None
        self._endings: list[Ending] = []
        self._last_line = (-1, 0.0)

    def __enter__(self) -> Stage:
        picture: AbstractContextManager[object] = nullcontext()
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(get_renderable=self._picture, console=self._console, refresh_per_second=4, transient=True)
            picture = self._live
        self._picture_context = picture
        picture.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._picture_context.__exit__(*error)

    def say(self, sentence: str) -> None:
        """What is going on, in words."""
        self._note = sentence
        if self._live is None:
            self._console.print(Text(sentence))

    def begin(self, act: Act) -> None:
        """An act begins."""
        self._act, self._progress, self._last_line = act, None, (-1, 0.0)
        self.say(f"Deploying {act.title} (examples/{act.example})")

    def item(self, item: dict[str, Any]) -> None:
        """One item of `cygni follow --json`."""
        if item["type"] == "event":
            line = event_line(cast(Event, item))
            self._note = line.plain
            if self._live is None:
                self._console.print(line)
        elif item["type"] == "progress":
            self._progress = Progress(item["deployment"], item["traffic"])
            self._print_progress(self._progress)

    def end(self, ending: Ending) -> None:
        """An act has ended."""
        self._endings.append(ending)
        self._act, self._progress = None, None
        if self._live is None:
            self._console.print(_ending_line(ending))

    def _print_progress(self, progress: Progress) -> None:
        if self._live is not None:
            return
        weight = (progress.traffic or progress.deployment["rollout"] or {"weight": 0})["weight"]
        now = time.monotonic()
        if weight != self._last_line[0] or now - self._last_line[1] >= _LINE_EVERY:
            self._last_line = (weight, now)
            self._console.print(Text("  " + progress_line(progress)))

    def _picture(self) -> RenderableType:
        parts: list[RenderableType] = [_ending_line(each) for each in self._endings]
        if self._act is not None:
            parts.append(Text(f"▸ {self._act.title}", style="bold cyan"))
        if self._progress is not None:
            parts += [Text(""), progress_table(self._progress), Text("")]
        parts.append(Text(self._note, style="dim"))
        coming = ACTS[len(self._endings) + (self._act is not None) :]
        parts.extend(Text(f"  {act.title}", style="dim") for act in coming)
        parts.append(traffic_line(self._seen()))
        return Group(*parts)


def traffic_line(seen: Sequence[Seen]) -> Text:
    """The traffic so far, as its sender sees it."""
    if not seen:
        return Text("traffic  not yet", style="dim")
    failed = sum(not each.ok for each in seen)
    text = Text.assemble(("traffic  ", "bold"), f"{len(seen):,} requests sent, ")
    return text.append(f"{failed:,} failed", style="red" if failed else "green")


def _ending_line(ending: Ending) -> Text:
    mark, style = ("✔", "green") if ending.as_expected else ("✘", "bold red")
    text = Text.assemble((f"{mark} r{ending.release} ", style), ending.act.title, ": ", (ending.state.replace("_", " "), style))
    if ending.seconds is not None:
        text.append(f" after {ending.seconds:.1f} s", style="dim")
    return text
