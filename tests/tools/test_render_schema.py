"""The published schema is the models'."""

from __future__ import annotations

from tools.render_schema import TARGET, render


def test_the_published_schema_is_fresh() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run: python -m tools.render_schema"
