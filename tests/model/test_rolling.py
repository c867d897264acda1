"""Rolling releases of services of several sizes: instances for the traffic at every moment, and an end from every state."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from chalicelib.rollouts.batches import Batch
from chalicelib.rollouts.transitions import TABLE, Event, Guard, Phase, Rule, apply
from tests.model.rolling import RollingModel, RollingSearch, model_of
from tests.model.system import Effect

WORLDS = {
    "rolling, four instances": (model_of("25%", "25%", 4), 1_000),
    "rolling, one instance": (model_of("25%", "25%", 1), 200),
    "rolling, nothing beyond": (model_of(0, 1, 3), 500),
    "rolling, nothing missing": (model_of(1, 0, 3), 500),
    "rolling, to fewer instances": (model_of("25%", "25%", 5, wanted=2), 500),
    "rolling, to more instances": (model_of("50%", 0, 2, wanted=5), 500),
}


@pytest.mark.parametrize("name", WORLDS)
def test_a_rolling_release_has_the_instances_that_its_traffic_needs(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, least = WORLDS[name]

    states = RollingSearch(model).run()

    with capsys.disabled():
        print(f"\nmodel check, {name}: {states:,} states")
    assert states > least


def test_a_table_that_moves_traffic_before_the_next_batch_is_there_is_found_out() -> None:
    key = (Phase.ANALYSING, Event.ADVANCE)
    hurried = partial(apply, table={**TABLE, key: without_batches(TABLE[key])})

    with pytest.raises(AssertionError, match="of the traffic and"):
        RollingSearch(replace(model_of("25%", "25%", 4), apply=hurried)).run()


def without_batches(row: Rule) -> Rule:
    """The row without what it says of a rolling release."""
    if row.guard is Guard.ROLLING and row.otherwise is not None:
        return row.otherwise
    return row if row.otherwise is None else replace(row, otherwise=without_batches(row.otherwise))


class Greedy(RollingModel):
    """Takes more old instances away than the traffic that is still theirs allows."""

    def resized(self, batch: Batch, number: int, stable: int | None) -> tuple[Effect, ...]:
        return ("shrink", stable, max(0, batch.old - 1)), ("grow", number, batch.new)


class Crowding(RollingModel):
    """Starts new instances before old ones have gone."""

    def resized(self, batch: Batch, number: int, stable: int | None) -> tuple[Effect, ...]:
        return ("grow", number, batch.new), ("shrink", stable, batch.old)


class Impatient(RollingModel):
    """Gives what is promoted by hand all the traffic before it has its instances."""

    def grown(self, size: int, number: int, stable: int | None) -> tuple[Effect, ...]:
        return ("route", ((stable, 0), (number, 100))), *RollingModel.grown(self, size, number, stable)[1:]


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [(Greedy, "of the traffic and"), (Crowding, "instances, and 5 may be"), (Impatient, "has 100 % of the traffic and")],
)
def test_a_rollout_that_rolls_wrongly_is_found_out(wrong: type[RollingModel], fault: str) -> None:
    sound = model_of("25%", "25%", 4)

    with pytest.raises(AssertionError) as found:
        RollingSearch(wrong(sound.strategy, most=1, pods=4)).run()

    assert fault in str(found.value)
