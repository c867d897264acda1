"""The door to the tables: a `Store` reads and writes what belongs to its owners, and nothing else.

Every key begins with its owner: `TEAM#<team>` for what a team has, `USER#<user>` for what a person has. A store is made for
one owner (or for the person and the team that one change concerns), and refuses any other key before a request is sent. So a
use case cannot forget to check the tenant: there is no way to read without saying whose.

A request that changes something has a witness: it adds its lines to every commit (the audit trail), and what it must know
beforehand is read along with the first read of the request.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from chalicelib.platform.dynamodb import dynamodb
from chalicelib.platform.errors import LostRace, Malformed
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.opaque import decode_cursor, encode_cursor
from chalicelib.platform.table import ConditionFailed, Count, Item, Place, Put, Write, action_of, place_of, store_errors, unpack

R = TypeVar("R", bound=Item)
_TEAM = "TEAM#"
TRIES = 12
"""Times a commit is tried again when only the witness's own lines lost."""


class ForeignKey(RuntimeError):
    """A key of another owner was asked for: a fault in Cygni's code, never a caller's."""


Change = tuple[tuple[str, str, str], str, dict[str, Any]]
"""What a commit does to one record: table and keys, the kind of action, and its request."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What the witness is to remember of a commit.

    `revoked` names the subjects whose access tokens, minted before now, must change nothing from here on. `retention` is the
    number of days that lines written from now on are kept.
    """

    revoked: tuple[str, ...] = ()
    retention: int | None = None


NOTHING = Notes()


class Witness(Protocol):
    """Who sees all of a request's commits and adds to them."""

    @property
    def place(self) -> Place[Any]:
        """The record that its lines continue."""

    @property
    def ready(self) -> bool:
        """Whether it knows that record."""

    def learn(self, head: Any | None) -> None:
        """Takes the record, or None when there is none yet."""

    def saw(self, place: tuple[str, str, str], raw: dict[str, Any] | None) -> None:
        """Hears of what the request has read."""

    def lines(self, changes: Sequence[Change], notes: Notes) -> list[Write]:
        """What to write along with these changes. Raises what must keep them from happening."""

    def done(self) -> None:
        """The commit went through: what was written is now what its next lines continue."""

    def about(self, team: str) -> Witness:
        """The witness of what the same request does in another team."""


@dataclass(frozen=True, slots=True)
class Store:
    """Reads and writes of the keys that begin with one of `owners`, with credentials that reach those of its team alone.

    One that `asks` has the function's own credentials, and changes nothing.
    """

    owners: tuple[str, ...]
    witness: Witness | None = None
    asks: bool = False

    @property
    def tenant(self) -> str | None:
        """The team that it is about; None where it is about people alone, or about several teams."""
        teams = [each.split("#")[1] for each in self.owners if each.startswith(_TEAM)]
        return teams[0] if len(teams) == 1 else None

    def seen_by(self, witness: Witness) -> Store:
        """The same store, whose commits a witness joins."""
        return replace(self, witness=witness)

    def aside(self) -> Store:
        """The same store without its witness: for what only follows from a change that was witnessed."""
        return replace(self, witness=None)

    def also(self, *owners: str) -> Store:
        """The same store and witness, which reach more owners: for one change that concerns a team and its people."""
        return replace(self, owners=(*self.owners, *owners))

    def asking(self) -> Store:
        """The same store, for looking whether somebody has to do with its team at all: before that, no session is begun."""
        return replace(self, asks=True)

    def fetch(self, model: type[R], pk: str, sk: str) -> R | None:
        """One record, read consistently, or None."""
        if self.witness is not None:
            found: R | None = self.together((model, pk, sk))[0]
            return found
        self._own(pk)
        with store_errors():
            answer = self._client().get_item(
                TableName=model.Meta.table_name,
                Key={"pk": {"S": pk}, "sk": {"S": sk}},
                ConsistentRead=True,
            )
        raw = answer.get("Item")
        return unpack(model, raw) if raw else None

    def together(self, *wanted: Place[Any]) -> list[Any]:
        """Several records of one moment in one round trip, in order; None for each that is absent."""
        for _, pk, _ in wanted:
            self._own(pk)
        witness = self.witness
        asked = [*wanted] if witness is None or witness.ready else [*wanted, witness.place]
        raws = [self._get(*asked[0])] if len(asked) == 1 else self._get_together(asked)
        records = [unpack(model, raw) if raw else None for (model, _, _), raw in zip(asked, raws, strict=True)]
        if witness is not None:
            for (model, pk, sk), raw in zip(wanted, raws, strict=False):
                witness.saw((model.Meta.table_name, pk, sk), raw)
            if len(asked) > len(wanted):
                witness.learn(records.pop())
        return records

    def page(
        self, model: type[R], pk: str, prefix: str, *, cursor: str | None, limit: int, newest_first: bool = False
    ) -> tuple[list[R], str | None]:
        """A page of a partition's records whose sort key begins with `prefix`, and the cursor of the next page.

        A cursor names a place in its own partition only: one that was made for another list raises Malformed.
        """
        self._own(pk)
        place = {} if cursor is None else _start(decode_cursor(cursor), pk, prefix)
        with store_errors():
            answer = self._client().query(
                TableName=model.Meta.table_name,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :sk)",
                ExpressionAttributeValues={":pk": {"S": pk}, ":sk": {"S": prefix}},
                Limit=limit,
                ScanIndexForward=not newest_first,
                ConsistentRead=True,
                **place,
            )
        last = answer.get("LastEvaluatedKey")
        after = encode_cursor({"pk": pk, "sk": last["sk"]["S"]}) if last else None
        return [unpack(model, raw) for raw in answer["Items"]], after

    def every(self, model: type[R], pk: str, prefix: str) -> Iterator[R]:
        """All of a partition's records whose sort key begins with `prefix`, read page after page."""
        cursor: str | None = None
        while True:
            found, cursor = self.page(model, pk, prefix, cursor=cursor, limit=100)
            yield from found
            if cursor is None:
                return

    def commit(self, writes: Sequence[Write], notes: Notes = NOTHING) -> None:
        """Does all writes or none. One write alone is a plain one, which costs half. `notes` are for the witness.

        Raises ConditionFailed with the positions of the writes that lost, Throttled, and what the witness refuses with.
        """
        if self.asks:
            raise ForeignKey("a store that asks was given a change to make")
        for write in writes:
            self._own(place_of(write)[1])
        if self.witness is None:
            self._unwitnessed(writes)
        else:
            self._witnessed(writes, self.witness, notes)
        for write in writes:
            if isinstance(write, Put) and hasattr(write.record, "version"):
                write.record.version = int(write.record.version or 0) + 1

    def _unwitnessed(self, writes: Sequence[Write]) -> None:
        for attempt in range(TRIES):
            try:
                self._send(writes)
                return
            except ConditionFailed as lost:
                if lost.failed or _depends(writes, lost):
                    raise
                _pause(attempt)
        raise LostRace("Too many changes were made at the same moment.")

    def _witnessed(self, writes: Sequence[Write], witness: Witness, notes: Notes) -> None:
        for attempt in range(TRIES):
            if not witness.ready:
                witness.learn(self._head(witness))
            changes = [(place_of(write), *action_of(write)) for write in writes]
            more = witness.lines(changes, notes)
            try:
                self._send([*writes, *more])
            except ConditionFailed as lost:
                own = [index for index in lost.failed if index < len(writes)]
                if own or _depends(writes, lost):
                    raise ConditionFailed(own, lost.conflicts) from lost
                witness.learn(self._head(witness))
                _pause(attempt)
                continue
            witness.done()
            return
        raise LostRace("Too many changes of this team were made at the same moment.")

    def _head(self, witness: Witness) -> Any | None:
        model, pk, sk = witness.place
        raw = self._get(model, pk, sk)
        return unpack(model, raw) if raw else None

    def _send(self, writes: Sequence[Write]) -> None:
        actions = [action_of(write) for write in writes]
        with store_errors():
            if len(actions) == 1 and actions[0][0] in _ALONE:
                kind, request = actions[0]
                getattr(self._client(), _ALONE[kind])(**request)
                return
            self._client().transact_write_items(TransactItems=[{kind: request} for kind, request in actions])

    def _get(self, model: type[Item], pk: str, sk: str) -> dict[str, Any] | None:
        with store_errors():
            found: dict[str, Any] | None = self._client().get_item(**_get(model, pk, sk), ConsistentRead=True).get("Item")
        return found

    def _get_together(self, asked: Sequence[Place[Any]]) -> list[dict[str, Any] | None]:
        """One consistent read, done again when it meets a transaction that is writing one of the records."""
        gets = [{"Get": _get(model, pk, sk)} for model, pk, sk in asked]
        for attempt in range(TRIES):
            try:
                with store_errors():
                    answer = self._client().transact_get_items(TransactItems=gets)
                return [each.get("Item") for each in answer["Responses"]]
            except ConditionFailed:
                _pause(attempt)
        raise LostRace("What was asked for is being changed too quickly just now.")

    def _client(self) -> Any:
        if self.asks:
            return dynamodb()
        return dynamodb(self.tenant, people=any(not each.startswith(_TEAM) for each in self.owners))

    def _own(self, pk: str) -> None:
        if not any(pk == owner or pk.startswith(owner + "#") for owner in self.owners):
            raise ForeignKey(f"a store of {', '.join(self.owners)} was asked for {pk.partition('#')[0]}#…")


def _depends(writes: Sequence[Write], lost: ConditionFailed) -> bool:
    """Whether a write that met another transaction may rest on what that one changed. Counts never do."""
    return any(index < len(writes) and not isinstance(writes[index], Count) for index in lost.conflicts)


def _pause(attempt: int) -> None:
    time.sleep(random.uniform(0, longest_pause(attempt)))


def longest_pause(attempt: int) -> float:
    """Seconds that a writer who lost waits at most, after its first try (0), its second, and so on."""
    return min(0.005 * 2.0**attempt, 0.2)


_ALONE = {"Put": "put_item", "Delete": "delete_item", "Update": "update_item"}


def team_store(team: str) -> Store:
    """The store of what a team has."""
    return Store((_TEAM + team,))


def _get(model: type[Item], pk: str, sk: str) -> dict[str, Any]:
    return {"TableName": model.Meta.table_name, "Key": {"pk": {"S": pk}, "sk": {"S": sk}}}


def _start(place: dict[str, Any], pk: str, prefix: str) -> dict[str, Any]:
    if place.get("pk") != pk or not str(place.get("sk", "")).startswith(prefix):
        raise Malformed("The cursor does not belong to this list.", remedy="Use a cursor from a page of this very list.")
    return {"ExclusiveStartKey": {"pk": {"S": pk}, "sk": {"S": place["sk"]}}}
