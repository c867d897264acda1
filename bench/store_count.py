"""Counts calls of DynamoDB and the write units they cost, from what botocore is about to send.

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
Item = dict[str, dict[str, Any]]
Place = tuple[str, str, str]


@dataclass
class Counter:
    """Calls and write units since it was made or cleared; what each item was before is remembered throughout."""

    calls: list[str] = field(default_factory=list)
    units: int = 0
    stored: dict[Place, Item] = field(default_factory=dict)

    def clear(self) -> None:
        """Begin again."""
        self.calls, self.units = [], 0

    def call(self, name: str, asked: dict[str, Any]) -> None:
        """Counts one call that succeeded."""
        self.calls.append(name)
        if name == "PutItem":
            self._write(asked, asked["Item"], 1)
        elif name == "DeleteItem":
            self._write(asked, None, 1)
        elif name == "UpdateItem":
            self._write(asked, self.stored.get(_place(asked)) or asked["Key"], 1)
        for each in asked.get("TransactItems", []):
            ((kind, action),) = each.items()
            if kind == "ConditionCheck":
                self.units += 2 * units_of(self.stored.get(_place(action), {}))
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
        self.units += units * factor + (units if _INDEX in before or _INDEX in after else 0)
        self.stored[place] = after


def _place(action: dict[str, Any]) -> Place:
    key = action.get("Key") or action["Item"]
    return action["TableName"], key["pk"]["S"], key["sk"]["S"]


def units_of(item: Item) -> int:
    """Write units of an item: its names and values in KiB, rounded up, and one where there is none."""
    size = sum(len(name) + _size(value) for name, value in item.items())
    return max(1, -(-size // KIB))


def _size(value: dict[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind in ("S", "B"):
        return len(content.encode()) if kind == "S" else len(content)
    return 1 + -(-len(content.strip("-")) // 2) if kind == "N" else 1  # a byte for two digits, and one more


@contextmanager
def counting() -> Iterator[Counter]:
    """Counts every call that a client of botocore makes to DynamoDB meanwhile; one that fails counts as a round trip."""
    counter, original = Counter(), BaseClient._make_api_call

    def counted(client: Any, name: str, asked: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name != "dynamodb" or name == "DescribeTable":
            return original(client, name, asked)
        try:
            answer = original(client, name, asked)
        except Exception:
            counter.calls.append(name)
            raise
        counter.call(name, asked)
        return answer

    BaseClient._make_api_call = counted
    try:
        yield counter
    finally:
        BaseClient._make_api_call = original
