"""The table: the base of all records, and writes that belong together.

Every key begins with its tenant (`TEAM#…`). A write that depends on what was read carries the version it read, and losing
that race is a normal outcome with a name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeVar

from pynamodb.attributes import UnicodeAttribute, VersionAttribute
from pynamodb.connection import Connection
from pynamodb.exceptions import DoesNotExist, PynamoDBException, TransactWriteError
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model
from pynamodb.transactions import TransactGet, TransactWrite

from chalicelib.platform.errors import LostRace, Malformed, Throttled
from chalicelib.platform.opaque import decode_cursor, encode_cursor

TABLE = "cygni"
_PASSING = frozenset(
    {
        "",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "ServiceUnavailable",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)
"""Codes of faults that pass; an empty one means that no answer came."""


class Record(Model):
    """Base of everything in the table `cygni`: a key, and a version that makes every save conditional."""

    class Meta:
        """Where it lives; host, region and credentials are the environment's."""

        table_name = TABLE

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    version = VersionAttribute()


R = TypeVar("R", bound=Record)


class ConditionFailed(LostRace):
    """A conditional write lost. `failed` holds the positions of the writes whose conditions did not hold."""

    def __init__(self, failed: Iterable[int]) -> None:
        super().__init__("Someone else changed this at the same moment.")
        self.failed = frozenset(failed)


@dataclass(frozen=True, slots=True)
class Put:
    """Save a record. Without `condition`, a new record must be absent and a loaded one unchanged (its version says so)."""

    record: Model
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """Require that a record exists at the time of the commit."""

    model: type[Record]
    pk: str
    sk: str


Write = Put | Check


@cache
def _connection() -> Connection:
    return Connection()


@contextmanager
def store_errors() -> Iterator[None]:
    """Turns what PynamoDB raises into Cygni's errors."""
    try:
        yield
    except TransactWriteError as error:
        reasons = error.cancellation_reasons or []
        codes = [reason.code if reason else None for reason in reasons]
        failed = [index for index, code in enumerate(codes) if code == "ConditionalCheckFailed"]
        if failed or "TransactionConflict" in codes:
            raise ConditionFailed(failed) from error
        raise _translated(error) from error
    except DoesNotExist:
        raise
    except PynamoDBException as error:
        raise _translated(error) from error


def _translated(error: PynamoDBException) -> Exception:
    code = str(getattr(error, "cause_response_code", "") or "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailed([0])
    if code in _PASSING:
        return Throttled("The table is busy or away.")
    return error


def commit(writes: Sequence[Write]) -> None:
    """Does all writes or none. One write alone is a plain put, which costs half.

    Raises ConditionFailed with the positions of the writes that lost, and Throttled.
    """
    if len(writes) == 1 and isinstance(writes[0], Put):
        with store_errors():
            writes[0].record.save(condition=writes[0].condition)
        return
    # PynamoDB sends checks before puts, and reasons come back in the order that was sent.
    sent = sorted(range(len(writes)), key=lambda index: isinstance(writes[index], Put))
    try:
        with store_errors(), TransactWrite(connection=_connection()) as transaction:
            for index in sent:
                write = writes[index]
                if isinstance(write, Put):
                    transaction.save(write.record, condition=write.condition)
                else:
                    transaction.condition_check(write.model, write.pk, write.sk, condition=write.model.pk.exists())
    except ConditionFailed as lost:
        raise ConditionFailed(sent[index] for index in lost.failed) from lost


def fetch(model: type[R], pk: str, sk: str) -> R | None:
    """One record, read consistently, or None."""
    with store_errors():
        try:
            return model.get(pk, sk, consistent_read=True)
        except DoesNotExist:
            return None


def fetch_together(*wanted: tuple[type[Record], str, str]) -> list[Any]:
    """Several records of one moment in one round trip, in order; None for each that is absent."""
    with store_errors(), TransactGet(connection=_connection()) as transaction:
        futures = [transaction.get(model, pk, sk) for model, pk, sk in wanted]
    found: list[Any] = []
    for future in futures:
        try:
            found.append(future.get())
        except DoesNotExist:
            found.append(None)
    return found


def page(
    model: type[R], pk: str, prefix: str, *, cursor: str | None, limit: int, newest_first: bool = False
) -> tuple[list[R], str | None]:
    """A page of a partition's records whose sort key begins with `prefix`, and the cursor of the next page.

    A cursor names a place in its own partition only: one that was made for another list raises Malformed.
    """
    start: dict[str, Any] | None = None
    if cursor is not None:
        place = decode_cursor(cursor)
        if place.get("pk") != pk or not str(place.get("sk", "")).startswith(prefix):
            raise Malformed("The cursor does not belong to this list.", remedy="Use a cursor from a page of this very list.")
        start = {"pk": {"S": pk}, "sk": {"S": place["sk"]}}
    with store_errors():
        result = model.query(
            pk,
            model.sk.startswith(prefix),
            limit=limit,
            page_size=limit,
            last_evaluated_key=start,
            scan_index_forward=not newest_first,
            consistent_read=True,
        )
        records = list(result)
        last = result.last_evaluated_key
    after = encode_cursor({"pk": pk, "sk": last["sk"]["S"]}) if last else None
    return records, after
