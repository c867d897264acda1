from __future__ import annotations

from tools.render_roles import PAGE, render


def test_the_page_of_roles_says_what_the_table_says() -> None:
    assert PAGE.read_text() == render(), "run `make docs`"
