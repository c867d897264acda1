"""Races, run so that they always come out the same: somebody else acts at the very moment before a write is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from chalicelib.platform.dynamodb import dynamodb


@contextmanager
def just_before(operation: str, act: Callable[[], object]) -> Iterator[list[object]]:
    """Calls `act` once, right before the first `operation` (`PutItem`, …) goes out; gives what it returned."""
    events, returned, begun = dynamodb().meta.events, list[object](), list[bool]()

    def handler(**_: Any) -> None:
        if not begun:
            begun.append(True)
            returned.append(act())

    name = f"before-call.dynamodb.{operation}"
    events.register(name, handler)
    try:
        yield returned
    finally:
        events.unregister(name, handler)
    assert begun, f"no {operation} was sent"
