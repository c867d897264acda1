"""The picture of a rollout, in terminals of any width and of few characters."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cygni.cli.views.chart import Chart
from cygni.cli.views.course import course_of
from tests.support.explained import explained, step, steps


def drawn(width: int, encoding: str = "utf-8") -> str:
    course = course_of(explained(steps(step(0), step(1, failing=0.5))))  # type: ignore[arg-type]
    assert course is not None
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(width=width, file=file)
    console.print(Chart(course))
    file.flush()
    return file.buffer.getvalue().decode(encoding)  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_picture_is_no_wider_than_its_terminal(width: int) -> None:
    pictured = [line for line in drawn(width).splitlines() if "│" in line]

    assert len(pictured) == 16
    assert max(map(len, pictured)) <= width


def test_a_terminal_that_knows_few_characters_gets_those() -> None:
    shown = drawn(60, "ascii")

    assert {"*", "o", "#", "^"} <= set(shown)


def test_the_weight_rises_from_left_to_right() -> None:
    bars = drawn(80).splitlines()[1].partition("%")[2].strip()

    assert bars == "".join(sorted(bars))
    assert len(set(bars)) == 2
