"""A declared service whose reconciler dies, reads late and overlaps with itself: what always holds, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chalicelib.deployments.declared_rules import Action, Adopt, Desired, Known, Start, decide
from chalicelib.projects.rules import leave
from chalicelib.rollouts.rules import Step, Strategy
from tests.model.declared import Declared, DeclaredModel, DeclaredSearch
from tests.model.system import System

CANARY = Strategy((Step(20, 10),))
AT_ONCE = Strategy(())
WORLDS = {
    "declared, as a canary": (DeclaredModel(CANARY), 4_000),
    "declared, with runs that overlap": (DeclaredModel(AT_ONCE, hands=2, aborts=False), 2_000),
    "declared twice anew": (DeclaredModel(AT_ONCE, changes=2, aborts=False), 3_000),
    "declared, and deployed by somebody else": (DeclaredModel(AT_ONCE, stranger=True, aborts=False), 3_000),
    "declared, a first release": (DeclaredModel(AT_ONCE, first=True), 1_000),
    "declared, scaled, and deployed by somebody else": (
        DeclaredModel(AT_ONCE, scales=True, stranger=True, aborts=False),
        4_000,
    ),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.slow] if least > 1_500 else []) for name, (_, least) in WORLDS.items()]
)
def test_a_declared_service_comes_to_what_was_declared_last(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    model, least = WORLDS[name]

    states = DeclaredSearch(model).run()

    with capsys.disabled():
        print(f"\nmodel check, {name}: {states:,} states")
    assert states > least


# --- that the search would find it: one rule changed


def credulous(desired: Desired, known: Known) -> tuple[Action, ...]:
    """Takes every new generation for one that asks for what is there."""
    return tuple(Adopt() if isinstance(each, Start) and known.handled else each for each in decide(desired, known))


def restless(desired: Desired, known: Known) -> tuple[Action, ...]:
    """Starts a spec that was taken up already."""
    actions = decide(desired, known)
    again = known.handled is not None and known.active is None and known.handled.generation == desired.generation
    return (Start(),) if again else actions


class Hasty(DeclaredModel):
    """Starts what it decided on without reading the note anew."""

    def _reads_again(self) -> bool:
        return False


class Careless(DeclaredModel):
    """Scales what was live, whatever has begun since."""

    def _looks_again(self) -> bool:
        return False


class Crowded(DeclaredModel):
    """Begins what waits beside what is under way."""

    def _tasks(self, system: System, who: str) -> Iterator[tuple[str, System]]:
        yield from super()._tasks(system, who)
        if system.lane.waiting is not None and system.record(who).rollout is not None:
            lane, _ = leave(system.lane, who)
            yield f"{who} makes room", replace(system, lane=lane)


class Lost(DeclaredModel):
    """Forgets the deployment of a generation when it is put in the queue."""

    def _do(self, system: Declared, generation: int, action: Action) -> Declared:
        done = super()._do(system, generation, action)
        if isinstance(action, Start) and system.lane.active is not None:
            return replace(done, lane=replace(done.lane, waiting=None))
        return done


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        (DeclaredModel(AT_ONCE, decide=credulous), "was declared last"),
        (DeclaredModel(AT_ONCE, decide=restless), "did not bring it to its end"),
        (Hasty(AT_ONCE, hands=2), "deployments were started for generations [1, 1]"),
        (Crowded(CANARY), "two rollouts are active"),
        (Lost(AT_ONCE), "makes what was declared last, and release"),
        pytest.param(
            Careless(AT_ONCE, scales=True, stranger=True, aborts=False),
            "p is under way, and the reconciler scaled [2]",
            marks=pytest.mark.slow,
        ),
    ],
    ids=["credulous", "restless", "hasty", "crowded", "lost", "careless"],
)
def test_a_reconciler_with_one_thing_wrong_is_found_out(model: DeclaredModel, fault: str) -> None:
    with pytest.raises(AssertionError) as found:
        DeclaredSearch(model).run()

    assert fault in str(found.value)
