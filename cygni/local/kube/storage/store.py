"""Objects, their versions and their recent history: memory to read from, SQLite to survive a kill.

Every write takes the next number of one counter, which is the object's resourceVersion, and is on disk (in the write-ahead log,
so safe from `kill -9`, though not from a power cut) before anybody hears of it. Reads and watches touch memory only. All calls
are made from one thread: what happens between two awaits is atomic.
"""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cygni.local.kube.objects import Obj, encode

HISTORY = 4_000  # changes; a watch that fell further behind starts again from a list

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    resource TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (resource, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL);
INSERT OR IGNORE INTO counter VALUES (1, 1);
"""


class TooOld(Exception):
    """The history asked for is no longer held; `oldest` is the first revision that is."""

    def __init__(self, oldest: int) -> None:
        super().__init__(f"history starts at {oldest}")
        self.oldest = oldest


@dataclass(frozen=True)
class Key:
    """The address of an object; `namespace` is empty for cluster-scoped ones."""

    resource: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Change:
    """One write: ADDED, MODIFIED or DELETED, the object after it (its last state if deleted) and before it."""

    type: str
    revision: int
    key: Key
    obj: Obj
    before: Obj | None

    @cached_property
    def body(self) -> bytes:
        """The object as JSON, encoded once for all watchers."""
        return encode(self.obj)


class Store:
    """See the module. `:memory:` as path keeps nothing."""

    def __init__(self, path: Path | str, history: int = HISTORY) -> None:
        self._db = sqlite3.connect(str(path), isolation_level=None)
        self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;" + _TABLES)
        self._objects: dict[str, dict[str, dict[str, Obj]]] = {}
        self._history: deque[Change] = deque()
        self._limit = history
        self._listeners: list[Callable[[Change], None]] = []
        self.revision: int = self._db.execute("SELECT revision FROM counter").fetchone()[0]
        self._compacted = self.revision
        for resource, namespace, name, body in self._db.execute("SELECT resource, namespace, name, body FROM objects"):
            self._objects.setdefault(resource, {}).setdefault(namespace, {})[name] = json.loads(body)

    def close(self) -> None:
        """Give the file back; the store is not usable afterwards."""
        self._db.close()

    def subscribe(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call back on every write from now on, in order; returns what ends it. A listener must not write itself."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def get(self, key: Key) -> Obj | None:
        """The object, not to be changed by the caller."""
        return self._objects.get(key.resource, {}).get(key.namespace, {}).get(key.name)

    def select(self, resource: str, namespace: str = "") -> list[Obj]:
        """All objects of a resource in a namespace ("" = in all), ordered by namespace and name."""
        spaces = self._objects.get(resource, {})
        chosen = [namespace] if namespace else sorted(spaces)
        return [objects[name] for space in chosen for objects in (spaces.get(space, {}),) for name in sorted(objects)]

    def resources(self) -> list[str]:
        """The resources of which there is an object."""
        return [resource for resource, spaces in self._objects.items() if any(spaces.values())]

    def count(self, resource: str, namespace: str) -> int:
        """How many objects a namespace has of a resource."""
        return len(self._objects.get(resource, {}).get(namespace, {}))

    def put(self, key: Key, obj: Obj) -> Obj:
        """Create or replace. Stamps the next resourceVersion into the object, which belongs to the store from here on."""
        before = self.get(key)
        revision = self.revision + 1
        obj["metadata"]["resourceVersion"] = str(revision)
        self._write(
            revision, "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?)", (key.resource, key.namespace, key.name, encode(obj))
        )
        self._objects.setdefault(key.resource, {}).setdefault(key.namespace, {})[key.name] = obj
        self._announce(Change("MODIFIED" if before is not None else "ADDED", revision, key, obj, before))
        return obj

    def remove(self, key: Key) -> Obj:
        """Delete an object that exists. Its last state carries the revision of the deletion."""
        before = self._objects[key.resource][key.namespace].pop(key.name)
        revision = self.revision + 1
        last = {**before, "metadata": {**before["metadata"], "resourceVersion": str(revision)}}
        statement = "DELETE FROM objects WHERE resource = ? AND namespace = ? AND name = ?"
        self._write(revision, statement, (key.resource, key.namespace, key.name))
        self._announce(Change("DELETED", revision, key, last, before))
        return last

    def forget(self) -> None:
        """Drop the history: whoever wants to watch starts from a list."""
        self._history.clear()
        self._compacted = self.revision

    def _write(self, revision: int, statement: str, parameters: tuple[str | bytes, ...]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.execute(statement, parameters)
            self._db.execute("UPDATE counter SET revision = ?", (revision,))
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")
        self.revision = revision

    def _announce(self, change: Change) -> None:
        self._history.append(change)
        if len(self._history) > self._limit:
            self._compacted = self._history.popleft().revision
        for listener in list(self._listeners):
            listener(change)

    def since(self, resource: str, revision: int) -> Iterator[Change]:
        """The changes of a resource after a revision, oldest first; TooOld if some of them are forgotten."""
        if revision < self._compacted:
            raise TooOld(self._compacted)
        return (change for change in list(self._history) if change.revision > revision and change.key.resource == resource)

    def snapshot(self, resource: str, namespace: str, revision: int) -> list[Obj]:
        """What `select` answered at an earlier revision; TooOld if that cannot be told any more."""
        now = self.select(resource, namespace)
        state = {(obj["metadata"].get("namespace", ""), obj["metadata"]["name"]): obj for obj in now}
        for change in reversed(list(self.since(resource, revision))):
            if namespace in {"", change.key.namespace}:
                address = (change.key.namespace, change.key.name)
                if change.before is None:
                    state.pop(address, None)
                else:
                    state[address] = change.before
        return [state[address] for address in sorted(state)]
