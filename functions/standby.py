"""What runs in place of every handler where another region stands by: it asks whether this region acts, then runs it.

An installation of one region has the handlers themselves, and pays for none of this.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from chalicelib.platform.duty import duty
from chalicelib.platform.errors import RegionPassive
from functions.catalog import FUNCTIONS, PAIR_FUNCTIONS, Function

HANDLER = "functions.standby.run"
"""The handler that every function of a pair has, but for the API, which asks by itself."""
_DECLARED = {each.name: each for each in (*FUNCTIONS, *PAIR_FUNCTIONS)}
_EVERYWHERE = frozenset({*(each.name for each in PAIR_FUNCTIONS), "cygni-migrate"})
"""Functions that ask by themselves what is theirs to do in a region that does not act."""


def run(event: Any, context: Any) -> Any:
    """Runs the function that Lambda says this is.

    In a region that does not act, what a schedule or an event started ends quietly, since the other region has its own; what
    waits for an answer gets RegionPassive, so that a workflow here stops and nothing is done twice.
    """
    declared = _DECLARED[context.function_name]
    if declared.name not in _EVERYWHERE:
        try:
            duty().require()
        except RegionPassive as passive:
            if declared.schedule or declared.events:
                return {"passive": passive.message}
            raise
    return _handler(declared.handler)(event, context)


def guarded(function: Function) -> Function:
    """A function of the catalog as a pair has it."""
    return replace(function, handler=HANDLER)


@cache
def _handler(path: str) -> Callable[[Any, Any], Any]:
    module, _, name = path.rpartition(".")
    found: Callable[[Any, Any], Any] = getattr(importlib.import_module(module), name)
    return found
