"""Migrations on a table: killed and resumed, beside others who write, there and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.client import BaseClient

from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.errors import LostRace, MigrationFailed
from chalicelib.upgrades import running
from chalicelib.upgrades.rules import Cells, Direction, Migration, Phase
from chalicelib.upgrades.running import Asked, Progress, Run, Told, migrate, rehearse, standing
from tests.support.store import memory_store

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 10
"""Three pages."""


@pytest.fixture(autouse=True)
def store() -> Iterator[None]:
    with memory_store():
        yield


def put(number: int, **more: Any) -> None:
    record = {"pk": {"S": "TEAM#t"}, "sk": {"S": f"THING#{number:04d}"}, "size": {"S": str(number)}, **more}
    dynamodb().put_item(TableName="cygni", Item=record)


def fill(count: int = COUNT) -> None:
    for number in range(count):
        put(number, **({"version": {"N": "3"}} if number % 2 else {}))
    dynamodb().put_item(TableName="cygni", Item={"pk": {"S": "TEAM#t"}, "sk": {"S": "OTHER#1"}, "size": {"S": "1"}})


def things() -> list[dict[str, Any]]:
    answer = dynamodb().query(
        TableName="cygni",
        KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
        ExpressionAttributeValues={":pk": {"S": "TEAM#t"}, ":sk": {"S": "THING#"}},
    )
    return list(answer["Items"])


def kinds() -> set[str]:
    return {kind for each in things() for kind in each["size"]}


def to_number(record: Cells) -> Cells:
    return {**record, "size": {"N": record["size"]["S"]}} if "S" in record["size"] else record


def to_text(record: Cells) -> Cells:
    return {**record, "size": {"S": record["size"]["N"]}} if "N" in record["size"] else record


SIZES = Migration("0001-sizes", "Sizes as numbers.", Phase.AFTER, lambda pk, sk: sk.startswith("THING#"), to_number, to_text)
ASKED, BACK = Asked((SIZES.name,)), Asked(())
DELIBERATE = Run(NOW + timedelta(hours=1), lambda: NOW, "1", (SIZES,), page=4)
HURRIED = replace(DELIBERATE, until=NOW)
"""A slice that has time for one page."""


def all_slices(asked: Asked, run: Run = HURRIED, most: int = 20) -> list[Told]:
    told = [migrate(asked, run)]
    while told[-1].left:
        assert len(told) < most
        told.append(migrate(asked, run))
    return told


@contextmanager
def meanwhile(operation: str, do: Callable[[], None], at: int = 1) -> Iterator[None]:
    """Does something just before the client's `at`-th call of an operation."""
    original, calls = BaseClient._make_api_call, []

    def call(client: Any, name: str, asked: dict[str, Any]) -> Any:
        if name == operation:
            calls.append(name)
            if len(calls) == at:
                BaseClient._make_api_call = original
                do()
        return original(client, name, asked)

    BaseClient._make_api_call = call
    try:
        yield
    finally:
        BaseClient._make_api_call = original


class Killed(BaseException):
    """As a process that ends at once."""


def kill() -> None:
    raise Killed


def test_there_and_back_leaves_every_record_as_it_was_but_for_its_version() -> None:
    fill()
    before = things()

    (told,) = all_slices(ASKED, DELIBERATE)
    assert (told.progress[0].seen, told.progress[0].changed, told.progress[0].done) == (COUNT + 2, COUNT, True)
    assert kinds() == {"N"}
    all_slices(BACK, DELIBERATE)

    assert [{**each, "version": None} for each in things()] == [{**each, "version": None} for each in before]
    assert {each["version"]["N"] for each in things() if "version" in each} == {"5"}


def test_a_slice_does_a_page_and_the_next_goes_on_from_there() -> None:
    fill()

    told = all_slices(ASKED)

    assert [each.progress[0].done for each in told] == [False, False, True]
    assert kinds() == {"N"}


def test_what_arrived_is_not_gone_through_again_unless_that_is_asked_for() -> None:
    fill(3)
    all_slices(ASKED)
    put(1)

    assert migrate(ASKED, DELIBERATE).progress == ()
    assert migrate(replace(ASKED, again=ASKED.wanted), DELIBERATE).progress[0].changed == 1
    assert kinds() == {"N"}


@pytest.mark.parametrize("operation", ["Scan", "TransactWriteItems", "PutItem"])
@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_run_that_is_killed_at_any_call_goes_on_from_its_last_page(operation: str, at: int) -> None:
    fill()

    with meanwhile(operation, kill, at), pytest.raises(Killed):
        all_slices(ASKED)
    all_slices(ASKED)

    assert kinds() == {"N"}
    assert [int(each["version"]["N"]) for each in things() if "version" in each] == [4] * (COUNT // 2)


def test_a_record_that_others_change_at_that_moment_keeps_their_change_and_gets_ours() -> None:
    fill(3)

    with meanwhile("TransactWriteItems", lambda: put(1, version={"N": "4"}, owner={"S": "ada"})):
        migrate(ASKED, DELIBERATE)

    changed = things()[1]
    assert (changed["size"], changed["owner"], changed["version"]) == ({"N": "1"}, {"S": "ada"}, {"N": "5"})
    assert kinds() == {"N"}


def test_a_record_that_is_deleted_at_that_moment_stays_deleted() -> None:
    fill(3)
    key = {"pk": {"S": "TEAM#t"}, "sk": {"S": "THING#0000"}}

    with meanwhile("TransactWriteItems", lambda: dynamodb().delete_item(TableName="cygni", Key=key)):
        told = migrate(ASKED, DELIBERATE)

    assert len(things()) == 2
    assert told.progress[0].changed == 2


def test_two_runs_at_once_do_no_harm() -> None:
    fill()

    with meanwhile("TransactWriteItems", lambda: all_slices(ASKED) and None, at=2):
        all_slices(ASKED)

    assert kinds() == {"N"}
    assert [int(each["version"]["N"]) for each in things() if "version" in each] == [4] * (COUNT // 2)


def test_a_run_that_goes_back_ends_one_that_goes_on() -> None:
    fill()

    with meanwhile("TransactWriteItems", lambda: all_slices(BACK, DELIBERATE) and None, at=3), pytest.raises(LostRace):
        migrate(ASKED, DELIBERATE)

    assert kinds() == {"S"}
    assert standing()[0].standing.direction is Direction.DOWN


def test_a_migration_that_was_half_applied_is_taken_back_from_the_beginning() -> None:
    fill()
    migrate(ASKED, HURRIED)
    assert kinds() == {"N", "S"}

    all_slices(BACK)

    assert kinds() == {"S"}


def test_a_rehearsal_counts_and_writes_nothing() -> None:
    fill()

    at: Progress | None = None
    answers = 0
    while at is None or not at.done:
        at, answers = rehearse(SIZES, Direction.UP, HURRIED, begun=at), answers + 1

    assert (at.seen, at.changed, answers) == (COUNT + 1, COUNT, 3)
    assert kinds() == {"S"}
    assert standing() == []


def test_a_record_that_cannot_be_changed_is_named_without_what_is_in_it() -> None:
    fill(3)
    put(1, size={"BOOL": True}, secret={"S": "hidden"})
    broken = replace(SIZES, up=lambda record: {**record, "size": {"N": record["size"]["S"]}})

    with pytest.raises(MigrationFailed, match=r"0001-sizes \(up\) cannot change the record TEAM#t THING#0001") as failed:
        migrate(ASKED, replace(DELIBERATE, declared=(broken,)))

    assert "hidden" not in str(failed.value)
    assert not standing()[0].done
    assert "S" in things()[0]["size"]


def test_migrations_run_in_order_and_slices_end_between_them() -> None:
    fill(3)
    other = replace(SIZES, name="0002-names", up=lambda record: {**record, "name": {"S": "x"}}, down=_without_name)
    both: Sequence[Migration] = (SIZES, other)
    asked = Asked((SIZES.name, other.name))

    told = all_slices(asked, replace(HURRIED, declared=both))

    assert [each.name for one in told for each in one.progress if each.done] == [SIZES.name, other.name]
    assert all({"N"} == set(each["size"]) and each["name"] for each in things())
    all_slices(BACK, replace(DELIBERATE, declared=both))
    assert all({"S"} == set(each["size"]) and "name" not in each for each in things())


def _without_name(record: Cells) -> Cells:
    return {name: cell for name, cell in record.items() if name != "name"}


def test_the_notes_of_migrations_themselves_are_never_changed() -> None:
    everything = replace(SIZES, concerns=lambda pk, sk: True, up=lambda record: {**record, "x": {"S": "x"}})

    migrate(ASKED, replace(DELIBERATE, declared=(everything,)))

    note = dynamodb().get_item(TableName="cygni", Key={"pk": {"S": running.PK}, "sk": {"S": running.PREFIX + SIZES.name}})[
        "Item"
    ]
    assert "x" not in note
