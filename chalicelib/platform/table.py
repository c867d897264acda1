"""Records, and writes as data: what a commit is made of, and how DynamoDB's refusals become Cygni's errors.

Nothing here reaches a table by itself. Contexts read and write through a `Store` (`platform/store.py`), which is bound to one
tenant; the doors that PynamoDB leaves open on its models are closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field
from functools import cache
from typing import Any, NoReturn, TypeVar

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from pynamodb.attributes import Attribute, TTLAttribute, UnicodeAttribute, VersionAttribute
from pynamodb.exceptions import AttributeDeserializationError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model

from chalicelib.platform.aws import error_code, passes
from chalicelib.platform.errors import LostRace, Throttled
from chalicelib.platform.frozen import dataclass

TABLE = "cygni"


class Item(Model):
    """Base of everything in any table: a partition key that begins with its owner, and a sort key."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class Record(Item):
    """Base of everything in the table `cygni`: a version makes every save conditional."""

    class Meta:
        """Where it lives; host, region and credentials are the environment's."""

        table_name = TABLE

    version = VersionAttribute()


def _closed(name: str) -> Any:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise TypeError(f"Records are read and written through a Store, not by {name}()")

    return classmethod(refuse)


for _door in ("get", "query", "scan", "count", "batch_get", "batch_write", "save", "delete", "update", "refresh"):
    setattr(Item, _door, _closed(_door))


R = TypeVar("R", bound=Item)
Place = tuple[type[R], str, str]
"""Where a record is: its kind, partition key and sort key."""


class ConditionFailed(LostRace):
    """A conditional write lost. `failed` holds the positions of the writes whose conditions did not hold.

    `conflicts` holds those that another transaction was writing at that moment.
    """

    def __init__(self, failed: Iterable[int], conflicts: Iterable[int] = ()) -> None:
        super().__init__("Someone else changed this at the same moment.")
        self.failed = frozenset(failed)
        self.conflicts = frozenset(conflicts)


def unpack(model: type[R], raw: Mapping[str, Mapping[str, Any]]) -> R:
    """The record that DynamoDB sent, as `model.from_raw_data` makes it, in half the time.

    Every read unpacks a record, and most of PynamoDB's time goes into finding out again what the model says. Records have
    plain attributes only: no discriminators, and no maps with attributes of their own.
    """
    values: dict[str, Any] = {}
    for stored, name, kind, attribute, own_setter in _plan(model):
        cell = raw.get(stored)
        if cell is None or "NULL" in cell:
            default = attribute.default
            value = default() if callable(default) else default
            if value is None:
                continue
        elif kind in cell:
            value = attribute.deserialize(cell[kind])
        elif getattr(attribute, "formerly", None) in cell:
            value = attribute.deserialize(cell[attribute.formerly])
        else:
            raise AttributeDeserializationError(stored, kind)
        values[name] = value if own_setter is None else own_setter(value)
    record: R = model.__new__(model)
    record.attribute_values = values
    return record


@cache
def _plan(model: type[Item]) -> tuple[tuple[str, str, str, Any, Callable[[Any], Any] | None], ...]:
    """Of each attribute: its name in the store and in Python, its type, itself, and what it makes of a value that is set."""
    return tuple(
        (attribute.attr_name, name, attribute.attr_type, attribute, _setter(attribute))
        for name, attribute in model.get_attributes().items()
    )


def _setter(attribute: Attribute[Any]) -> Callable[[Any], Any] | None:
    if isinstance(attribute, VersionAttribute):
        return int
    return attribute._normalize if isinstance(attribute, TTLAttribute) else None


@dataclass(frozen=True, slots=True)
class Put:
    """Save a record. Without `condition`, a new record must be absent and a loaded one unchanged (its version says so)."""

    record: Item
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Require that a record exists at the time of the commit, or that `condition` holds of it."""

    model: type[Item]
    pk: str
    sk: str
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete a record, under a condition if one is given; without one, deleting what is absent is no error."""

    model: type[Item]
    pk: str
    sk: str
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Add to the counters of a record, which need not exist yet; `at_most` and `at_least` are what each may become.

    Counts do not depend on what was read: one that meets another transaction is simply done again.
    """

    model: type[Item]
    pk: str
    sk: str
    add: Mapping[str, int]
    at_most: Mapping[str, int] = field(default_factory=dict)
    at_least: Mapping[str, int] = field(default_factory=dict)


Write = Put | Check | Remove | Count


def place_of(write: Write) -> tuple[str, str, str]:
    """Table, partition key and sort key of what a write touches."""
    if isinstance(write, Put):
        return write.record.Meta.table_name, str(write.record.pk), str(write.record.sk)
    return write.model.Meta.table_name, write.pk, write.sk


def action_of(write: Write) -> tuple[str, dict[str, Any]]:
    """A write as an action of TransactWriteItems: its kind, and the request."""
    if isinstance(write, Put):
        return "Put", write.record.get_save_kwargs_from_instance(condition=write.condition)
    if isinstance(write, Count):
        return "Update", _counting(write)
    condition = write.condition
    if isinstance(write, Check):
        condition = condition if condition is not None else write.model.pk.exists()
        return "ConditionCheck", write.model.get_operation_kwargs_from_class(write.pk, write.sk, condition)
    return "Delete", write.model.get_operation_kwargs_from_class(write.pk, write.sk, condition)


def _counting(write: Count) -> dict[str, Any]:
    """ADD makes a record that is absent; a counter that is absent is 0."""
    names = {f"#{index}": name for index, name in enumerate(write.add)}
    values = {f":a{index}": {"N": str(number)} for index, number in enumerate(write.add.values())}
    conditions = []
    for index, (name, number) in enumerate(write.add.items()):
        for sign, mark, bound, fits in (
            ("<=", ":b", write.at_most.get(name), number <= write.at_most.get(name, number)),
            (">=", ":c", write.at_least.get(name), number >= write.at_least.get(name, number)),
        ):
            if bound is not None:
                values[f"{mark}{index}"] = {"N": str(bound - number)}
                absent = f"attribute_not_exists(#{index}) OR " if fits else ""
                conditions.append(f"({absent}#{index} {sign} {mark}{index})")
    request: dict[str, Any] = {
        **write.model.get_operation_kwargs_from_class(write.pk, write.sk),
        "UpdateExpression": "ADD " + ", ".join(f"#{index} :a{index}" for index in range(len(write.add))),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
    return request | ({"ConditionExpression": " AND ".join(conditions)} if conditions else {})


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what botocore raises into Cygni's errors."""
    try:
        yield
    except ClientError as error:
        raise _translated(error) from error
    except (NoConnection, HTTPClientError) as error:
        raise Throttled("The table is away.") from error


def _translated(error: ClientError) -> Exception:
    code = error_code(error)
    if code == "TransactionCanceledException":
        return _cancelled(error)
    if code in {"ConditionalCheckFailedException", "TransactionConflictException"}:
        return ConditionFailed([0])
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return Throttled("The table is busy or away.") if passes(status, code) else error


def _cancelled(error: ClientError) -> Exception:
    codes = [str(reason.get("Code")) for reason in error.response.get("CancellationReasons", [])]
    failed = [index for index, code in enumerate(codes) if code == "ConditionalCheckFailed"]
    conflicts = [index for index, code in enumerate(codes) if code == "TransactionConflict"]
    if failed or conflicts:
        return ConditionFailed(failed, conflicts)
    busy = {"ThrottlingError", "ProvisionedThroughputExceeded"} & set(codes)
    return Throttled("The table is busy.") if busy else error
