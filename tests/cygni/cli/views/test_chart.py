"""The picture of a rollout, in terminals of any width and of few characters."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from rich.console import Console

from cygni.cli.views.chart import PLAIN, Chart, weights
from cygni.cli.views.course import course_of
from cygni.cli.views.page import page
from cygni.cli.views.words import parse_time
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


def test_a_limit_that_compares_follows_the_stable_version() -> None:
    told = explained(steps(step(0)))
    told["items"][0]["gates"][0].update(metric="errorRateIncrease", limit=0.5)
    for number, point in enumerate(told["items"][0]["points"]):
        point["stable"]["error_rate"] = 10.0 * number
    course = course_of(told)  # type: ignore[arg-type]
    assert course is not None
    errors = course.curves[0]

    assert errors.limit is None
    assert [value for _, value in errors.allowed] == [10.0 * number + 0.5 for number in range(len(errors.allowed))]
    assert errors.top > errors.allowed[-1][1]
    assert "limit" in page({**MADE, "state": "promoted"}, told).partition("</figure>")[2]  # type: ignore[typeddict-item, arg-type]


def test_after_an_abort_the_weight_is_drawn_as_none() -> None:
    told = explained(steps(step(0, failing=0.5)))
    last = parse_time(told["items"][0]["points"][-1]["at"])
    told["end"] = {"at": (last + timedelta(seconds=20)).isoformat(), "weight": 0}
    course = course_of(told)  # type: ignore[arg-type]
    assert course is not None

    assert course.weights[-1] == (course.seconds, 0)
    assert weights(course, 40, PLAIN).plain.endswith(PLAIN.heights[0])
    assert "0 % " in weights(course, 40, PLAIN).plain


def test_a_page_marks_advisory_gates() -> None:
    told = explained(steps(step(0, failing=0.5)))
    told["items"][0]["gates"][1]["weight"] = "advisory"

    shown = page({**MADE, "state": "rolled_back"}, told)  # type: ignore[typeddict-item, arg-type]

    assert "<td>errorRate</td>" in shown
    assert "<td>latencyP95 (advisory)</td>" in shown


MADE = {"project": "hello", "environment": "prod", "service": "web", "release": 3, "id": "dep_1"}
