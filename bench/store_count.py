"""Counts calls of DynamoDB, the units and items they cost, and of which partition, from what botocore sends and hears.

As DynamoDB bills them: a write costs one unit for each begun KiB of the item before or after it, whichever is larger, twice
that in a transaction (where requiring that an item exists costs as much as writing it), and as much again for each index
that the item is in before or after. Items that are updated in place hold counters, and are small.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

KIB = 1024
_INDEX = "gsi1pk"
_INDEX_NAME = "gsi1"
Item = dict[str, dict[str, Any]]
Place = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Touch:
    """What a call costs of one partition: `table` is a table's name, or `<table>/<index>`; units are DynamoDB's."""

    table: str
    key: str
    read: float = 0
    written: float = 0


@dataclass
class Counter:
    """Calls, units and items read since it was made or cleared; what each item was before is remembered throughout."""

    calls: list[str] = field(default_factory=list)
    units: int = 0
    items: int = 0
    touches: list[Touch] = field(default_factory=list)
    stored: dict[Place, Item] = field(default_factory=dict)

    @property
    def read_units(self) -> float:
        """Read units, of all partitions."""
        return sum(each.read for each in self.touches)

    def clear(self) -> None:
        """Begin again."""
        self.calls, self.units, self.items, self.touches = [], 0, 0, []

    def touch(self, touch: Touch) -> None:
        """Keeps what a call costs of one partition."""
        self.touches.append(touch)

    def call(self, name: str, asked: dict[str, Any], answer: dict[str, Any] | None = None) -> None:
        """Counts one call that succeeded."""
        self.calls.append(name)
        self._read(name, asked, answer or {})
        if name == "PutItem":
            self._write(asked, asked["Item"], 1)
        elif name == "DeleteItem":
            self._write(asked, None, 1)
        elif name == "UpdateItem":
            self._write(asked, self.stored.get(_place(asked)) or asked["Key"], 1)
        for each in asked.get("TransactItems", []):
            ((kind, action),) = each.items()
            if kind == "ConditionCheck":
                self._cost(_place(action), 2 * units_of(self.stored.get(_place(action), {})))
            elif kind == "Put":
                self._write(action, action["Item"], 2)
            elif kind == "Update":
                self._write(action, self.stored.get(_place(action)) or action["Key"], 2)
            elif kind == "Delete":
                self._write(action, None, 2)

    def _write(self, action: dict[str, Any], item: Item | None, factor: int) -> None:
        place = _place(action)
        before, after = self.stored.get(place, {}), item or {}
        units = max(units_of(before), units_of(after))
        self._cost(place, units * factor)
        indexed = before.get(_INDEX) or after.get(_INDEX)
        if indexed is not None:
            self._cost((f"{place[0]}/{_INDEX_NAME}", indexed["S"], ""), units)
        self.stored[place] = after

    def _cost(self, place: Place, units: int) -> None:
        self.units += units
        self.touch(Touch(place[0], place[1], written=units))

    def _read(self, name: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        if name == "TransactGetItems":
            for each, got in zip(asked["TransactItems"], answer.get("Responses", ()), strict=False):
                self.items += "Item" in got
                self.touch(Touch(*_place(each["Get"])[:2], read=2 * _blocks(got.get("Item"))))
        elif name == "GetItem" and answer:
            self.items += "Item" in answer
            self.touch(Touch(*_place(asked)[:2], read=read_units(name, asked, answer)))
        elif name == "Query":
            self.items += len(answer.get("Items", ()))
            table = asked["TableName"] + (f"/{asked['IndexName']}" if "IndexName" in asked else "")
            key = asked["ExpressionAttributeValues"][":pk"]["S"]
            self.touch(Touch(table, key, read=read_units(name, asked, answer)))


def read_units(name: str, asked: dict[str, Any], answer: dict[str, Any]) -> float:
    """As DynamoDB bills reads: a unit for each begun 4 KiB, half where it need not be the newest, two in a transaction."""
    if name == "GetItem":
        return _blocks(answer.get("Item")) * (1 if asked.get("ConsistentRead") else 0.5)
    if name == "TransactGetItems":
        return sum(2 * _blocks(each.get("Item")) for each in answer.get("Responses", ()))
    if name == "Query":
        size = sum(size_of(each) for each in answer.get("Items", ()))
        return max(1, -(-size // (4 * KIB))) * (1 if asked.get("ConsistentRead") else 0.5)
    return 0


def _blocks(item: Item | None) -> int:
    return -(-units_of(item) // 4) if item else 1


def _place(action: dict[str, Any]) -> Place:
    key = action.get("Key") or action["Item"]
    return action["TableName"], key["pk"]["S"], key["sk"]["S"]


def units_of(item: Item) -> int:
    """Write units of an item: its names and values in KiB, rounded up, and one where there is none."""
    return max(1, -(-size_of(item) // KIB))


def size_of(item: Item) -> int:
    """Bytes of an item as DynamoDB counts them: its names and its values."""
    return sum(len(name) + _size(value) for name, value in item.items())


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return len(content.encode()) if kind == "S" else len(content)
    return 1 + -(-len(content.strip("-")) // 2) if kind == "N" else 1  # a byte for two digits, and one more


@contextmanager
def counting(counter: Counter | None = None) -> Iterator[Counter]:
    """Counts every call that a client of botocore makes to DynamoDB meanwhile; one that fails counts as a round trip."""
    counter, original = counter or Counter(), BaseClient._make_api_call

    def counted(client: Any, name: str, asked: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name != "dynamodb" or name == "DescribeTable":
            return original(client, name, asked)
        try:
            answer = original(client, name, asked)
        except Exception:
            counter.calls.append(name)
            raise
        counter.call(name, asked, answer)
        return answer

    BaseClient._make_api_call = counted
    try:
        yield counter
    finally:
        BaseClient._make_api_call = original
