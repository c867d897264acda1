"""Curves and their bands in a terminal, as wide as it is; in plain ASCII where it knows no other characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from cygni.cli.views.course import Course, Curves, Mark

HEIGHT = 8
"""Lines of one picture."""
_LABELS = 10  # characters before the picture
_NARROWEST, _WIDEST = 20, 120


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that a picture is made of."""

    canary: str
    stable: str
    canary_band: str
    stable_band: str
    limit: str
    edge: str
    decided: str
    heights: str


PRETTY = Glyphs("●", "○", "▒", "░", "┄", "│", "▲", " ▁▂▃▄▅▆▇█")
PLAIN = Glyphs("*", "o", "#", ".", "-", "|", "^", " .:-=+*#@")
_STYLES = {"canary": "bold yellow", "stable": "cyan", "canary_band": "yellow", "stable_band": "dim cyan", "limit": "red"}


@dataclass(frozen=True, slots=True)
class Chart:
    """A rollout as text: the canary's weight, then each measure of both versions, then where it was decided."""

    course: Course

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich asks for it."""
        glyphs = PLAIN if options.ascii_only else PRETTY
        width = min(_WIDEST, max(_NARROWEST, options.max_width - _LABELS - 1))
        yield Text("Weight of the canary", style="bold")
        yield weights(self.course, width, glyphs)
        for curves in self.course.curves:
            yield Text(f"{curves.title}, {'percent' if curves.unit == '%' else 'milliseconds'}", style="bold")
            yield from picture(curves, self.course.seconds, width, glyphs)
        yield from self._foot(width, glyphs)

    def _foot(self, width: int, glyphs: Glyphs) -> RenderResult:
        decided = self.course.decided
        if decided is not None:
            yield Text(" " * (_LABELS + _column(decided.at, self.course.seconds, width)) + glyphs.decided, style="bold red")
        ends = f"{self.course.seconds:.0f} s"
        yield Text(" " * _LABELS + "0 s" + ends.rjust(width - 3), style="dim")
        yield Text.assemble(
            (glyphs.canary, _STYLES["canary"]), " canary  ", (glyphs.canary_band, _STYLES["canary_band"]), " its 99 % band  ",
            (glyphs.stable, _STYLES["stable"]), " stable  ", (glyphs.stable_band, _STYLES["stable_band"]), " its 99 % band  ",
            (glyphs.limit, _STYLES["limit"]), " limit  ", (glyphs.decided, "bold red"), " the sample that decided",
        )  # fmt: skip


def weights(course: Course, width: int, glyphs: Glyphs) -> Text:
    """One line of bars, as high as the canary's weight."""
    line: list[int | None] = [None] * width
    for at, weight in course.weights:
        line[_column(at, course.seconds, width)] = weight
    bars, last = "", 0
    for known in line:
        last = last if known is None else known
        bars += glyphs.heights[-(-last * (len(glyphs.heights) - 1) // 100)]
    return Text.assemble((f"{last} % ".rjust(_LABELS), "dim"), (bars, "yellow"))


def picture(curves: Curves, seconds: float, width: int, glyphs: Glyphs) -> list[Text]:
    """The lines of one picture, from its upper edge down to zero. What is nearer to the eye hides what is behind it."""
    cells = [[("", " ")] * width for _ in range(HEIGHT)]
    for arm in ("stable", "canary"):
        _draw_band(cells, _columns(getattr(curves, arm), seconds, width), curves.top, f"{arm}_band", glyphs)
    if curves.limit is not None:
        cells[_row(curves.limit, curves.top)] = [("limit", glyphs.limit)] * width
    allowed = tuple(Mark(at, value, value, value) for at, value in curves.allowed)
    for column, mark in enumerate(_columns(allowed, seconds, width)):
        if mark is not None:
            cells[_row(mark.low, curves.top)][column] = ("limit", glyphs.limit)
    for arm in ("stable", "canary"):
        for column, mark in enumerate(_columns(getattr(curves, arm), seconds, width)):
            if mark is not None and mark.value is not None:
                cells[_row(mark.value, curves.top)][column] = (arm, getattr(glyphs, arm))
    return [_line(cells[row], _label(row, curves), glyphs) for row in range(HEIGHT)]


def _draw_band(
    cells: list[list[tuple[str, str]]], columns: Sequence[Mark | None], top: float, kind: str, glyphs: Glyphs
) -> None:
    for column, mark in enumerate(columns):
        if mark is None:
            continue
        upper = top if mark.high is None else min(mark.high, top)
        if mark.low <= top:
            for row in range(_row(upper, top), _row(mark.low, top) + 1):
                cells[row][column] = (kind, getattr(glyphs, kind))


def _line(cells: Sequence[tuple[str, str]], label: str, glyphs: Glyphs) -> Text:
    line = Text(label.rjust(_LABELS - 1) + glyphs.edge, style="dim")
    for kind, char in cells:
        line.append(char, style=_STYLES.get(kind, ""))
    return line


def _label(row: int, curves: Curves) -> str:
    """The limit beside its line; the values of the edges beside theirs."""
    if curves.limit is not None and row == _row(curves.limit, curves.top):
        return f"{curves.limit:g} {curves.unit} "
    if row == 0:
        return f"{curves.top:.3g} {curves.unit} "
    return f"0 {curves.unit} " if row == HEIGHT - 1 else ""


def _columns(marks: Sequence[Mark], seconds: float, width: int) -> list[Mark | None]:
    """The newest mark of each column; a column without one has that of the column before."""
    found: list[Mark | None] = [None] * width
    for mark in marks:
        found[_column(mark.at, seconds, width)] = mark
    for column in range(1, width):
        found[column] = found[column] or found[column - 1]
    return found


def _column(at: float, seconds: float, width: int) -> int:
    return round(at / seconds * (width - 1)) if seconds > 0 else 0


def _row(value: float, top: float) -> int:
    return HEIGHT - 1 - round(min(max(value / top, 0.0), 1.0) * (HEIGHT - 1))
