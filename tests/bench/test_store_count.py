from __future__ import annotations

from typing import Any

from bench.store_count import Counter, units_of


def item(size: int = 1, **more: Any) -> dict[str, Any]:
    return {"pk": {"S": "p"}, "sk": {"S": "s"}, "text": {"S": "x" * size}, **more}


def put(size: int = 1, **more: Any) -> dict[str, Any]:
    return {"TableName": "t", "Item": item(size, **more)}


def counted(*calls: tuple[str, dict[str, Any]]) -> int:
    counter = Counter()
    for name, asked in calls:
        counter.call(name, asked)
    return counter.units


def test_write_units_are_begun_kibibytes() -> None:
    assert units_of({"pk": {"S": "x"}}) == 1
    assert units_of({"pk": {"S": "x" * 1100}}) == 2
    assert units_of({"n": {"N": "1234"}, "data": {"B": b"x" * 1016}}) == 1


def test_a_transaction_costs_twice_and_so_does_a_check() -> None:
    assert counted(("TransactWriteItems", {"TransactItems": [{"Put": put()}]})) == 2
    check = {"ConditionCheck": {"TableName": "t", "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}}}
    assert counted(("TransactWriteItems", {"TransactItems": [check]})) == 2


def test_a_write_that_shrinks_an_item_costs_what_it_was_before() -> None:
    assert counted(("PutItem", put(2000)), ("PutItem", put())) == 4


def test_an_index_is_written_when_an_item_enters_stays_and_leaves() -> None:
    indexed = put(gsi1pk={"S": "ACTIVE"})
    assert counted(("PutItem", indexed), ("PutItem", indexed), ("PutItem", put()), ("PutItem", put())) == 7


def test_a_deletion_costs_the_item_that_it_removes() -> None:
    key = {"TableName": "t", "Key": {"pk": {"S": "p"}, "sk": {"S": "s"}}}
    assert counted(("PutItem", put(2000)), ("DeleteItem", key)) == 4


def test_reads_cost_no_write_units() -> None:
    assert counted(("GetItem", {}), ("TransactGetItems", {"TransactItems": [{"Get": {}}]})) == 0
