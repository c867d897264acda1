"""A worker that was given up and goes on acting: it moves no traffic, and makes nothing live."""

from __future__ import annotations

import pytest

from chalicelib.rollouts.rules import Step, Strategy
from tests.model.late import LateModel, LateSearch

AT_ONCE = Strategy(())
ONE_STEP = Strategy((Step(20, 10),))
WORLDS = {
    "a late worker of a canary": (LateModel(ONE_STEP, most=1), 40_000),
    "a late worker, and the next deployment": (LateModel(AT_ONCE, only_abort=True), 20_000),
    "a late worker of a first release": (LateModel(AT_ONCE, most=1, first=True), 1_000),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if least > 5_000 else []) for name, (_, least) in WORLDS.items()]
)
def test_a_worker_that_is_late_moves_no_traffic(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, least = WORLDS[name]

    states = LateSearch(model).run()

    with capsys.disabled():
        print(f"\nmodel check, {name}: {states:,} states")
    assert states > least


def test_without_the_fence_it_would() -> None:
    with pytest.raises(AssertionError, match=r"had turned back, and its weight rose|do not run|is live") as found:
        LateSearch(LateModel(ONE_STEP, most=1, fenced=False)).run()

    assert "the worker is given up" in str(found.value)
