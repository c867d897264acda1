from __future__ import annotations

from tools.render_reference import PAGE, render


def test_the_reference_says_what_the_code_says() -> None:
    assert PAGE.read_text() == render(), "run `make docs`"
