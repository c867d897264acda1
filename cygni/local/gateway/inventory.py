"""What the API said last: the facts of every object the table is made of, with unreadable objects set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from cygni.local.gateway.objects import UNREADABLE, read_gateway, read_pod, read_route, read_service
from cygni.local.gateway.table import Table, build_table

Thing = Mapping[str, Any]

READERS: Mapping[str, Callable[[Thing], Any]] = {
    "Gateway": read_gateway,
    "HTTPRoute": read_route,
    "Service": read_service,
    "Pod": read_pod,
}


class Sink(Protocol):
    """Where a source of objects reports to. `kind` is one of READERS."""

    def replace(self, kind: str, things: Iterable[Thing]) -> None:
        """These are all objects of the kind."""

    def put(self, kind: str, thing: Thing) -> None:
        """This object is new or changed."""

    def remove(self, kind: str, thing: Thing) -> None:
        """This object is gone."""


class Inventory:
    """A Sink that keeps facts, and calls `changed` after every change. Belongs to one thread."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self.unreadable: dict[str, str] = {}
        self._changed = changed
        self._facts: dict[str, dict[tuple[str, str], Any]] = {kind: {} for kind in READERS}
        self._listed: set[str] = set()

    @property
    def complete(self) -> bool:
        """Whether every kind was listed once."""
        return len(self._listed) == len(READERS)

    def replace(self, kind: str, things: Iterable[Thing]) -> None:
        """These are all objects of the kind."""
        self.unreadable = {name: why for name, why in self.unreadable.items() if not name.startswith(f"{kind} ")}
        self._facts[kind] = {}
        for thing in things:
            self._read(kind, thing)
        self._listed.add(kind)
        self._changed()

    def put(self, kind: str, thing: Thing) -> None:
        """This object is new or changed."""
        before = self._facts[kind].get(_key(thing))
        self._read(kind, thing)
        if self._facts[kind].get(_key(thing)) != before:
            self._changed()

    def remove(self, kind: str, thing: Thing) -> None:
        """This object is gone."""
        self.unreadable.pop(_name(kind, thing), None)
        if self._facts[kind].pop(_key(thing), None) is not None:
            self._changed()

    def table(self, serving: tuple[str, str]) -> Table:
        """The table of the Gateway `serving` (namespace, name) as things stand."""
        facts = self._facts
        return build_table(
            facts["HTTPRoute"].values(), facts["Service"].values(), facts["Pod"].values(), facts["Gateway"].values(), serving
        )

    def _read(self, kind: str, thing: Thing) -> None:
        """Keeps the facts of an object; one that cannot be read is left out and named, so that it harms no other."""
        name = _name(kind, thing)
        self.unreadable.pop(name, None)
        try:
            self._facts[kind][_key(thing)] = READERS[kind](thing)
        except UNREADABLE as error:
            self._facts[kind].pop(_key(thing), None)
            self.unreadable[name] = f"{type(error).__name__}: {error}"


def _key(thing: Thing) -> tuple[str, str]:
    meta = thing.get("metadata") or {}
    return (meta.get("namespace") or "", meta.get("name") or "")


def _name(kind: str, thing: Thing) -> str:
    return f"{kind} {'/'.join(_key(thing))}"
