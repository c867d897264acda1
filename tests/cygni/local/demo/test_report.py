"""The demo's table and document."""

from __future__ import annotations

from rich.console import Console, RenderableType

from cygni.local.demo.acts import ACTS, Ending, Explained
from cygni.local.demo.report import closing, document
from tests.support.explained import explained, step, steps

CAUGHT = Ending(ACTS[2], 3, "rolled_back", "errorRate is 20 %", 4.25, 200, 40)
KEPT = Ending(ACTS[1], 2, "promoted", "All gates passed.", None, 0, 0)


def shown(renderable: RenderableType) -> str:
    console = Console(width=160, record=True, file=None, quiet=False, color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_a_row_has_release_verdict_why_time_and_failures() -> None:
    (row,) = [line for line in shown(closing([CAUGHT], [], total=900, seconds=80)).splitlines() if "r3" in line]

    assert all(part in row for part in ("rolled back", "errorRate is 20 %", "4.2 s", "40 of 200"))


def test_what_is_not_known_is_a_dash() -> None:
    (row,) = [line for line in shown(closing([KEPT], [], total=900, seconds=80)).splitlines() if "r2" in line]

    assert row.count("–") == 2


def test_complaints_are_listed_below_the_table() -> None:
    text = shown(closing([KEPT], ["r2 was eaten"], total=1, seconds=1))

    assert "The demo failed:" in text
    assert "r2 was eaten" in text


def test_the_document_for_machines_has_plain_values() -> None:
    made = document([CAUGHT], [], total=900, seconds=80.04)

    assert made["ok"] is True
    assert made["seconds"] == 80.0
    assert made["releases"][0] == {
        "release": 3,
        "example": "hello-broken",
        "expected": "rolled_back",
        "state": "rolled_back",
        "why": "errorRate is 20 %",
        "seconds_to_verdict": 4.25,
        "requests": 200,
        "failed_requests": 40,
    }


def test_the_rollback_is_explained_above_the_table() -> None:
    names = {"project": "hello", "environment": "prod", "service": "web", "state": "rolled_back", "id": "dep_1"}
    why = Explained({"release": 3, **names}, explained(steps(step(0, failing=0.5))))

    text = shown(closing([CAUGHT], [], total=900, seconds=80, explained=why))

    assert text.index("$ cygni explain r3") < text.index("Decided by sample") < text.index("errorRate is 20 %")
    assert document([CAUGHT], [], total=900, seconds=80, explained=why)["rolled_back_by"] == "errorRate"
