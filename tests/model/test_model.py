"""Rollouts of two deployments, with a worker that dies anywhere and people who change their minds: what always holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chalicelib.rollouts.rules import Step, Strategy
from chalicelib.rollouts.transitions import ENDED, TABLE, Event, Guard, Phase, RolloutState, Rule, Transition, apply
from tests.model.search import Search, broken, wrong
from tests.model.system import Apply, Deployment, Effect, Model, System

ONE_STEP = Strategy((Step(20, 10),))
CANARY = Strategy((Step(20, 10), Step(50, 10)))
AT_ONCE = Strategy(())
APPROVED = Strategy((Step(20, 10, approval=True),))
BLUE_GREEN = Strategy((Step(0, 10, approval=True), Step(100, 10)))
RECREATED = Strategy((), recreate=True)
WORLDS = {
    "canary": (Model(CANARY), 18_000),
    "canary with approval": (Model(APPROVED), 9_000),
    "blue and green": (Model(BLUE_GREEN), 35_000),
    "all at once": (Model(AT_ONCE), 3_000),
    "recreated": (Model(RECREATED), 3_000),
    "first release, then a canary": (Model(ONE_STEP, first=True), 2_500),
    "first release, then one that is recreated": (Model(RECREATED, first=True), 2_000),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if least > 5_000 else []) for name, (_, least) in WORLDS.items()]
)
def test_everything_that_can_happen_to_a_rollout_keeps_its_promises(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, least = WORLDS[name]

    states = Search(model).run()

    with capsys.disabled():
        print(f"\nmodel check, {name}: {states:,} states")
    assert states > least


class Larger(RuleBasedStateMachine):
    """Walks at random where a search would not end: four deployments, three steps, of which the second needs approval."""

    model = Model(Strategy((Step(0, 10), Step(20, 10, approval=True), Step(50, 10))), most=4)

    def __init__(self) -> None:
        super().__init__()
        self.system = self.model.start

    @rule(which=st.integers(0, 11))
    def something_happens(self, which: int) -> None:
        self.go(list(self.model.moves(self.system)), which)

    @rule(which=st.integers(0, 4))
    def the_workers_go_on(self, which: int) -> None:
        self.go(list(self.model.goes_on(self.system)), which)

    def go(self, moves: list[tuple[str, System]], which: int) -> None:
        if moves:
            before, self.system = self.system, moves[which % len(moves)][1]
            assert broken(self.model, before, self.system) is None

    @invariant()
    def all_is_well(self) -> None:
        assert wrong(self.model, self.system) is None

    def teardown(self) -> None:
        """With faults stopped, it ends from wherever the walk had got to."""
        Search(self.model).comes_to_its_end(self.system)


Larger.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
test_a_larger_system_keeps_its_promises_on_any_walk = Larger.TestCase


# --- that the search would find it: one row of the table changed

SMALL = tuple(Model(strategy, most=1) for strategy in (APPROVED, CANARY, BLUE_GREEN, AT_ONCE))
FIRST = Model(ONE_STEP, most=1, first=True)
ABORTABLE = tuple(phase for phase in Phase if phase not in {*ENDED, Phase.PENDING, Phase.ROLLING_BACK})
UNSEEN = {
    (Guard.RECREATE, True): "tells what the strategy says too, from which tasks take it",
    (Guard.RECREATE, False): "tells what the strategy says too, from which tasks take it",
    (
        Guard.ROLLING,
        True,
    ): "a canary only waits once more for what is ready; test_rolling.py sees what a rolling one would miss",
    (Guard.ROLLING, False): "these do not roll; test_rolling.py sees it",
    (Guard.WEIGHTS_KNOWN, True): "no task says that it settled before it set the weights; the table's own tests see it",
}


def flipped(row: Rule) -> Iterator[tuple[Guard, bool, Rule]]:
    """A row with one of its guards dropped, so that it always holds, or never."""
    if row.guard is not None and row.otherwise is not None:
        yield row.guard, True, replace(row, guard=None, otherwise=None)
        yield row.guard, False, row.otherwise
        yield from ((guard, held, replace(row, otherwise=other)) for guard, held, other in flipped(row.otherwise))


def search_each(changed: Apply) -> None:
    for model in (*SMALL, FIRST):
        Search(replace(model, apply=changed)).run()


FLIPPED = [
    pytest.param(key, other, id=f"{key[0]}, {key[1]}: {guard}, {'always' if held else 'never'}")
    for key, row in TABLE.items()
    for guard, held, other in flipped(row)
    if (guard, held) not in UNSEEN
]


@pytest.mark.parametrize(("key", "row"), FLIPPED)
def test_a_table_without_one_of_its_guards_is_found_out(key: tuple[Phase, Event], row: Rule) -> None:
    changed = partial(apply, table={**TABLE, key: row})

    with pytest.raises(AssertionError, match="after: a is asked for"):
        search_each(changed)


@pytest.mark.parametrize("phase", ABORTABLE)
def test_a_table_that_does_not_know_an_abort_in_one_phase_is_found_out(phase: Phase) -> None:
    deafened = partial(apply, table={key: row for key, row in TABLE.items() if key != (phase, Event.ABORT_REQUESTED)})

    with pytest.raises(AssertionError, match=f"a was to be aborted, and went on from {phase}|did not bring it to its end"):
        Search(replace(SMALL[0], apply=deafened)).run()


# --- and one of its tasks


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
