"""Going through every record of a table, and changing some: for migrations, and for nothing that serves a request.

Records are seen as DynamoDB has them (attribute → type → value), since what they mean to a model may be what changes. Its own
module, so that the import contract can name who may.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.table import ConditionFailed, store_errors

Cells = Mapping[str, Mapping[str, Any]]
"""A record: attribute → type → value."""
Key = tuple[str, str]
MOST = 25
"""Changes in one transaction, which may have a hundred actions and 4 MB."""


@dataclass(frozen=True, slots=True)
class Rewrite:
    """A change of one record. `was` has what each attribute was that is set or removed, and that it was absent: None.

    `version` is the record's, where it has one: the change holds if that is still so, and raises it.
    """

    key: Key
    set: Cells
    remove: tuple[str, ...]
    was: Mapping[str, Mapping[str, Any] | None]
    version: int | None

    def request(self, table: str) -> dict[str, Any]:
        """As an action of TransactWriteItems."""
        names, sets, conditions = _Names(), [], ["attribute_exists(pk)"]
        values: dict[str, Mapping[str, Any]] = {}
        for name, cell in self.set.items():
            values[f":s{len(values)}"] = cell
            sets.append(f"{names(name)} = :s{len(values) - 1}")
        if self.version is not None:
            values |= {":version": {"N": str(self.version)}, ":next": {"N": str(self.version + 1)}}
            sets.append(f"{names('version')} = :next")
            conditions.append(f"{names('version')} = :version")
        else:
            for name, before in self.was.items():
                values |= {} if before is None else {f":w{names.index(name)}": before}
                now = names(name)
                conditions.append(f"attribute_not_exists({now})" if before is None else f"{now} = :w{names.index(name)}")
        removed = f" REMOVE {', '.join(map(names, self.remove))}" if self.remove else ""
        return {
            "TableName": table,
            "Key": {"pk": {"S": self.key[0]}, "sk": {"S": self.key[1]}},
            "UpdateExpression": ((f"SET {', '.join(sets)}" if sets else "") + removed).strip(),
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names.known,
            **({"ExpressionAttributeValues": values} if values else {}),
        }


class _Names:
    """Placeholders for the names of attributes."""

    def __init__(self) -> None:
        self.known: dict[str, str] = {}

    def index(self, name: str) -> int:
        """The number of an attribute."""
        self(name)
        return list(self.known.values()).index(name)

    def __call__(self, name: str) -> str:
        found = next((mark for mark, each in self.known.items() if each == name), None)
        if found is None:
            found = f"#n{len(self.known)}"
            self.known[found] = name
        return found


@dataclass(frozen=True, slots=True)
class Fence:
    """A record that must still say the same at each change: whoever lost the right to go on changes nothing more."""

    table: str
    key: Key
    name: str
    value: int

    def request(self) -> dict[str, Any]:
        """As an action of TransactWriteItems."""
        return {
            "TableName": self.table,
            "Key": {"pk": {"S": self.key[0]}, "sk": {"S": self.key[1]}},
            "ConditionExpression": "#n = :v",
            "ExpressionAttributeNames": {"#n": self.name},
            "ExpressionAttributeValues": {":v": {"N": str(self.value)}},
        }


class Fenced(RuntimeError):
    """Somebody else took over; nothing was changed."""


def every_record(table: str, *, after: Key | None, limit: int) -> tuple[list[Cells], Key | None]:
    """A page of a table, read consistently, and the key to go on after; None at the end. Raises Throttled."""
    start = {} if after is None else {"ExclusiveStartKey": {"pk": {"S": after[0]}, "sk": {"S": after[1]}}}
    with store_errors():
        answer = dynamodb().scan(TableName=table, Limit=limit, ConsistentRead=True, **start)
    last = answer.get("LastEvaluatedKey")
    return list(answer["Items"]), (last["pk"]["S"], last["sk"]["S"]) if last else None


def one_record(table: str, key: Key) -> Cells | None:
    """One record as it is now. Raises Throttled."""
    with store_errors():
        answer = dynamodb().get_item(TableName=table, Key={"pk": {"S": key[0]}, "sk": {"S": key[1]}}, ConsistentRead=True)
    found: Cells | None = answer.get("Item")
    return found


def rewrite(table: str, changes: Sequence[Rewrite], fence: Fence) -> list[Rewrite]:
    """Makes these changes, and answers those that lost because their record had been changed meanwhile.

    Raises Fenced when the fence no longer holds, and Throttled.
    """
    lost: list[Rewrite] = []
    for begin in range(0, len(changes), MOST):
        waiting = list(changes[begin : begin + MOST])
        while waiting:
            refused = _send(table, waiting, fence)
            lost += [each for index, each in enumerate(waiting) if index in refused]
            waiting = [each for index, each in enumerate(waiting) if index not in refused] if refused else []
    return lost


def _send(table: str, changes: Sequence[Rewrite], fence: Fence) -> set[int]:
    """One transaction. Answers which changes kept it from happening; none: it happened."""
    actions = [{"ConditionCheck": fence.request()}, *({"Update": each.request(table)} for each in changes)]
    try:
        with store_errors():
            dynamodb().transact_write_items(TransactItems=actions)
    except ConditionFailed as refused:
        if 0 in refused.failed:
            raise Fenced("Another run of this migration took over.") from None
        if 0 in refused.conflicts and len(refused.failed | refused.conflicts) == 1:
            return _send(table, changes, fence)  # its checkpoint was being written at that very moment
        return {index - 1 for index in refused.failed | refused.conflicts if index}
    return set()
