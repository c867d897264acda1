from __future__ import annotations

from tools.render_crd import TARGET, render


def test_the_shipped_definition_is_what_the_models_say() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run `make docs`"
