"""The page on rollouts says what the table says."""

from __future__ import annotations

from chalicelib.rollouts.table import TABLE, Phase
from tools.render_rollouts import TARGET, cases, drawing, render, table


def test_the_page_is_fresh() -> None:
    page = TARGET.read_text(encoding="utf-8")

    assert page == render(page), "run: python -m tools.render_rollouts"


def test_every_row_is_in_the_table_and_every_phase_in_the_drawing() -> None:
    assert len(table().splitlines()) == 2 + sum(1 for rule in TABLE.values() for _ in cases(rule))
    assert all(phase.value in drawing() for phase in Phase)


def test_what_is_written_by_hand_around_the_table_is_kept() -> None:
    page = TARGET.read_text(encoding="utf-8")

    assert render("before" + page[page.index("<!-- gen") :] + "after").startswith("before<!-- gen")
    assert render(page + "after").endswith("after")
