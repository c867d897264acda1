"""Rollouts of two deployments, with a worker that dies anywhere and people who change their minds: what always holds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import pytest

from chalicelib.rollouts.rules import Step, Strategy
from chalicelib.rollouts.transitions import Event, Phase, RolloutState, Transition, apply
from tests.model.search import Search
from tests.model.system import Deployment, Effect, Model, System

CANARY = Strategy((Step(20, 10), Step(50, 10)))
ONE_STEP = Strategy((Step(20, 10),))
STRATEGIES = {
    "canary": CANARY,
    "canary with approval": Strategy((Step(20, 10, approval=True), Step(50, 10))),
    "blue and green": Strategy((Step(0, 10, approval=True), Step(100, 10))),
    "all at once": Strategy(()),
    "recreated": Strategy((), recreate=True),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_everything_that_can_happen_to_a_rollout_keeps_its_promises(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    states = Search(Model(STRATEGIES[name])).run()

    with capsys.disabled():
        print(f"\nmodel check, {name}: {states:,} states")
    assert states > 3_000


# --- that the search would find it: the same system with one thing wrong


def hurried(state: RolloutState, event: Event, strategy: Strategy, now: datetime, reason: str = "") -> Transition:
    """Takes a look that shows nothing for a promotion."""
    return apply(state, Event.PROMOTE if event is Event.INCONCLUSIVE else event, strategy, now, reason)


def deaf(state: RolloutState, event: Event, strategy: Strategy, now: datetime, reason: str = "") -> Transition:
    """Does not hear that it has settled."""
    if event is Event.SETTLED and state.phase is Phase.SETTLING:
        return Transition(state, (), "", known=False)
    return apply(state, event, strategy, now, reason)


class Stubborn(Model):
    """Gives the canary its share once more before it turns back."""

    def _todo(self, record: Deployment, phase: Phase) -> Iterator[tuple[str, tuple[Effect, ...]]]:
        share = ("route", ((1, 80), (record.number, 20)))
        for name, todo in super()._todo(record, phase):
            yield name, (("run", record.number), share, *todo) if phase is Phase.ROLLING_BACK else todo


class Careless(Model):
    """Writes weights that are not all of the traffic."""

    def _todo(self, record: Deployment, phase: Phase) -> Iterator[tuple[str, tuple[Effect, ...]]]:
        for name, todo in super()._todo(record, phase):
            share = ("route", ((record.number, 20),))
            yield name, (share, *todo[1:]) if phase is Phase.SHIFTING else todo


class Early(Model):
    """Stops what is live before the release has its traffic."""

    def _todo(self, record: Deployment, phase: Phase) -> Iterator[tuple[str, tuple[Effect, ...]]]:
        for name, todo in super()._todo(record, phase):
            yield name, (("stop", record.stable), *todo) if phase is Phase.PROMOTING else todo


class Untidy(Model):
    """Leaves what it replaced."""

    def _todo(self, record: Deployment, phase: Phase) -> Iterator[tuple[str, tuple[Effect, ...]]]:
        for name, todo in super()._todo(record, phase):
            yield name, tuple(each for each in todo if each[0] != "retire")


class Hasty(Model):
    """Lets the next deployment begin when this one has only begun to end. Nobody aborts anything here."""

    def _people(self, system: System) -> Iterator[tuple[str, System]]:
        yield from (move for move in super()._people(system) if move[0].endswith("is asked for"))

    def _tasks(self, system: System, who: str) -> Iterator[tuple[str, System]]:
        record = system.record(who)
        promoting = record.rollout is not None and record.rollout.phase is Phase.PROMOTING
        if promoting and system.lane.waiting is not None:
            yield f"{who} ends", self._left(system, who, record)
        yield from super()._tasks(system, who)


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (Model(ONE_STEP, hurried), "was promoted after 0 of 1 steps"),
        (Model(ONE_STEP, deaf), "moves did not bring it to its end"),
        (Stubborn(ONE_STEP), "turned back, and its weight rose from 0 to 20"),
        (Careless(ONE_STEP), "weights sum to 20"),
        (Early(ONE_STEP), "traffic goes to releases that do not run: [1]"),
        (Untidy(ONE_STEP), "is live, but [1, 2] run"),
        (Hasty(ONE_STEP), "two rollouts are active: ['a', 'b']"),
    ],
    ids=["hurried", "deaf", "stubborn", "careless", "early", "untidy", "hasty"],
)
def test_a_system_with_one_thing_wrong_is_found_out(model: Model, fault: str) -> None:
    with pytest.raises(AssertionError) as found:
        Search(model).run()

    assert fault in str(found.value)
    assert "after: a is asked for" in str(found.value)
