from __future__ import annotations

from functions.catalog import API_FUNCTION, FUNCTIONS, PAIR_FUNCTIONS
from tools.render_reference import PAGE, render, triggers


def test_the_reference_says_what_the_code_says() -> None:
    assert PAGE.read_text() == render(), "run `make docs`"


def test_the_table_of_functions_has_all_that_a_stage_may_have_and_what_invokes_each() -> None:
    every = {each.name: each for each in (API_FUNCTION, *FUNCTIONS, *PAIR_FUNCTIONS)}

    assert [name for name in every if f"\n| `{name}` |" not in render()] == []
    assert triggers(every["cygni-migrate"]) == ["deploy of Cygni", "itself", "operator"]
    assert triggers(every["cygni-remove-service"]) == ["API", "`cygni-deploy-finish`", "`cygni-sweep`"]
    assert triggers(every["cygni-reconcile"]) == ["schedule, `rate(1 minute)`", "itself"]
    assert triggers(every["cygni-fail-over"]) == ["operator, where a region stands by"]
