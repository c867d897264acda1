"""Which migrations are due, and what of a record one may change."""

from __future__ import annotations

import pytest

from chalicelib.upgrades.rules import BrokenMigration, Direction, Migration, Phase, Standing, difference, due

UP, DOWN, BEFORE, AFTER = Direction.UP, Direction.DOWN, Phase.BEFORE, Phase.AFTER


def migration(name: str, phase: Phase = AFTER) -> Migration:
    return Migration(name, "Says nothing.", phase, lambda pk, sk: True, lambda record: record, lambda record: record)


def stands(name: str, direction: Direction = UP, *, done: bool = True, phase: Phase = AFTER, by: str = "1") -> Standing:
    return Standing(name, phase, direction, done, by)


ONE, TWO, THREE = migration("0001-one"), migration("0002-two", BEFORE), migration("0003-three")
ALL = (ONE, TWO, THREE)
NAMES = tuple(each.name for each in ALL)


def planned(*standings: Standing, wanted: tuple[str, ...] = NAMES, phases: tuple[Phase, ...] = (BEFORE, AFTER)) -> list[str]:
    plan = due(ALL, standings, wanted=wanted, phases=phases)
    return [f"{step.migration.name} {step.direction}" for step in plan.steps]


def test_all_that_is_wanted_and_was_never_applied_is_due_in_order() -> None:
    assert planned() == ["0001-one up", "0002-two up", "0003-three up"]


def test_what_arrived_is_not_due() -> None:
    assert planned(stands("0001-one"), stands("0003-three")) == ["0002-two up"]


def test_what_was_begun_or_taken_back_is_due() -> None:
    assert planned(stands("0001-one", done=False), stands("0003-three", DOWN)) == list(planned())


def test_what_is_not_wanted_is_taken_back_newest_first_and_before_anything_else() -> None:
    found = planned(stands("0001-one"), stands("0003-three"), wanted=("0002-two",))

    assert found == ["0003-three down", "0001-one down", "0002-two up"]


def test_what_was_begun_either_way_and_is_not_wanted_is_taken_back() -> None:
    found = planned(stands("0001-one", done=False), stands("0003-three", DOWN, done=False), wanted=())

    assert found == ["0003-three down", "0001-one down"]


def test_a_phase_leaves_the_others_migrations_alone() -> None:
    assert planned(stands("0001-one"), wanted=("0002-two",), phases=(BEFORE,)) == ["0002-two up"]


def test_what_newer_code_applied_is_told_and_not_taken_back() -> None:
    plan = due(ALL, [stands("0004-new", by="7")], wanted=NAMES, phases=(AFTER,))

    assert [(each.name, each.by) for each in plan.strangers] == [("0004-new", "7")]
    assert {step.direction for step in plan.steps} == {UP}


def test_what_is_asked_for_again_is_due_though_it_arrived() -> None:
    plan = due(ALL, [stands("0001-one")], wanted=("0001-one",), phases=(AFTER,), again=("0001-one",))

    assert [step.migration.name for step in plan.steps] == ["0001-one"]


def test_a_difference_names_what_is_set_and_what_is_removed() -> None:
    found = difference(
        {"pk": {"S": "x"}, "a": {"S": "1"}, "b": {"S": "2"}}, {"pk": {"S": "x"}, "a": {"N": "1"}, "c": {"S": "3"}}
    )

    assert found is not None
    assert found.set == {"a": {"N": "1"}, "c": {"S": "3"}}
    assert found.remove == ("b",)


def test_no_difference_is_none() -> None:
    assert difference({"a": {"S": "1"}}, {"a": {"S": "1"}}) is None


@pytest.mark.parametrize("name", ["pk", "sk", "version"])
def test_keys_and_versions_are_left_alone(name: str) -> None:
    with pytest.raises(BrokenMigration, match=f"it changes {name}"):
        difference({name: {"S": "1"}}, {name: {"S": "2"}})
    with pytest.raises(BrokenMigration, match=f"it changes {name}"):
        difference({name: {"S": "1"}}, {})
