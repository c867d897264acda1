"""The one printer: documents for machines on stdout, tables and sentences for people, errors on stderr.

The contract of `--json`: one JSON document on stdout, or one JSON object a line for a command that streams; snake_case keys,
ISO 8601 times in UTC, numbers as numbers; an error is one JSON document on stderr. What is for people never mixes in.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from cygni.cli.errors import CliError

_WIDE = 200  # columns when output goes to a file or a pipe: nothing is cut or wrapped there


class Printer:
    """Prints for one command. `json_mode` is `--json`."""

    def __init__(self, environ: Mapping[str, str], *, json_mode: bool = False) -> None:
        self.json_mode = json_mode
        self._environ = environ
        self.out = self._console(stderr=False)
        self.err = self._console(stderr=True)

    @property
    def live(self) -> bool:
        """Whether a table may be redrawn in place: a terminal that can, and a person before it."""
        return self.out.is_terminal and not self.out.is_dumb_terminal and not self.json_mode

    def result(self, document: Any, *shown: RenderableType) -> None:
        """The command's answer: the document for machines, or what is shown for people."""
        if self.json_mode:
            self._write_json(document)
            return
        for each in shown:
            self.out.print(each)

    def show(self, document: Any, shown: Callable[[], Sequence[RenderableType]]) -> None:
        """As `result`, where what people see takes more asking, which machines need not wait for."""
        self.result(document, *([] if self.json_mode else shown()))

    def stream(self, document: Any, *shown: RenderableType) -> None:
        """One item of a stream: a JSON line, or what is shown for people; flushed, so that a pipe sees it at once."""
        self.result(document, *shown)
        sys.stdout.flush()

    def note(self, *shown: RenderableType) -> None:
        """Something for people that is no answer: progress, a hint, the next command. Nothing in `--json`."""
        if self.json_mode:
            return
        for each in shown:
            self.out.print(each)
        sys.stdout.flush()

    def waiting(self, sentence: str) -> AbstractContextManager[object]:
        """Within the block something is waited for: a spinner at a terminal, elsewhere a line. Nothing in `--json`."""
        if self.live:
            return self.out.status(Text(sentence))
        self.note(Text(sentence))
        return nullcontext()

    def error(self, error: CliError) -> None:
        """What went wrong, where, and what to do next."""
        if self.json_mode:
            print(json.dumps(error.document(), ensure_ascii=False), file=sys.stderr)  # noqa: T201 - this is the printer
            return
        self.err.print(render_error(error))

    def _write_json(self, document: Any) -> None:
        print(json.dumps(document, ensure_ascii=False, separators=(",", ":")))  # noqa: T201 - this is the printer

    def _console(self, *, stderr: bool) -> Console:
        stream = sys.stderr if stderr else sys.stdout
        terminal = stream.isatty()
        return Console(
            file=stream,
            no_color=bool(self._environ.get("NO_COLOR")),
            width=None if terminal else _WIDE,
            markup=False,
            emoji=False,
            highlight=False,
            soft_wrap=not terminal,
        )


def render_error(error: CliError) -> Text:
    """An error for people: one line of what, a line for each field, and what to do next."""
    text = Text.assemble(("error: ", "bold red"), error.message)
    if error.detail:
        text.append("\n\n" + error.detail + "\n")
    else:
        for fault in error.fields:
            place = f"{fault.field}: " if fault.field else ""
            text.append(f"\n  {place}{fault.message}")
            if fault.remedy:
                text.append(f" {fault.remedy}", style="dim")
    if error.remedy:
        text.append("\n").append("next: ", style="bold").append(error.remedy)
    return text
