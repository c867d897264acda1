"""A worker, or a reconciler, that was given up and goes on acting: it takes no instances from a rolling release."""

from __future__ import annotations

from typing import Any

import pytest

from tests.model.late_rolling import LateRollingModel, LateRollingSearch
from tests.model.rolling import model_of


def late(surge: int, unavailable: int, pods: int, **wrong: Any) -> LateRollingModel:
    return LateRollingModel(model_of(surge, unavailable, pods).strategy, most=1, pods=pods, only_abort=True, **wrong)


WORLDS = {
    "a late worker of a rolling release": (late(0, 1, 2), 20_000),
    "a late reconciler beside a rolling release": (late(1, 0, 2, reconciler=True), 1_000),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if least > 5_000 else []) for name, (_, least) in WORLDS.items()]
)
def test_whoever_is_late_takes_no_instance_that_the_traffic_needs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, least = WORLDS[name]

    states = LateRollingSearch(model).run()

    with capsys.disabled():
        print(f"\nmodel check, {name}: {states:,} states")
    assert states > least


@pytest.mark.parametrize(
    ("model", "fault", "who"),
    [
        (late(0, 1, 2, sizes_fenced=False), "% of the traffic and 0 instances", "the worker is given up"),
        pytest.param(
            late(0, 1, 2, held=False), "is left with 1 of 2 instances", "the worker is given up", marks=pytest.mark.slow
        ),
        (late(1, 0, 2, reconciler=True, sizes_fenced=False), "there are 4 instances, and 3 may be", "the reconciler reads"),
    ],
    ids=["no fence", "nothing held by who turns back", "no fence for the reconciler"],
)
def test_without_the_fence_around_sizes_it_would(model: LateRollingModel, fault: str, who: str) -> None:
    with pytest.raises(AssertionError) as found:
        LateRollingSearch(model).run()

    assert fault in str(found.value)
    assert who in str(found.value)
