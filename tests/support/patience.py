"""An event loop in whose time a busy machine does not count.

A test of time limits says "this comes before that", and means it of a machine that runs the test. When the process is held up,
by others or by a collection, the real clock runs on and limits pass that nobody came near.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
STEP = 0.02
"""Seconds that may pass between two looks at the clock; what is more, the process was held up for."""


class _Selector(selectors.DefaultSelector):  # type: ignore[valid-type,misc]
    """Waits a step at a time: a longer wait would look like being held up."""

    def select(self, timeout: float | None = None) -> Any:
        return super().select(STEP if timeout is None else min(timeout, STEP))


class PatientLoop(asyncio.SelectorEventLoop):
    """A loop whose clock leaves out the time in which the process was held up. It is never ahead of the real one."""

    def __init__(self) -> None:
        self._now = self._seen = time.monotonic()
        super().__init__(_Selector())

    def time(self) -> float:
        seen = time.monotonic()
        self._now += min(seen - self._seen, STEP)
        self._seen = seen
        return self._now


def run(work: Coroutine[Any, Any, T], seconds: float = 60.0) -> T:
    """`asyncio.run` in a patient loop, for no longer than so many of its seconds."""
    with asyncio.Runner(loop_factory=PatientLoop) as runner:
        return runner.run(asyncio.wait_for(work, seconds))
