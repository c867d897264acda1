"""Writes a pod's status to the API: the newest wins, nothing is written twice, an API that is away is waited for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

from cygni.local.node.api import ApiAway, ApiError
from cygni.local.node.context import Context
from cygni.local.node.spec import Object, Pod

LONGEST_PAUSE = 2.0
PATIENCE = 5
"""Seconds that an API that is slow is waited for; one that is away, a second."""
log = logging.getLogger(__name__)


class StatusPublisher:
    """Publishes what `compute` gives, whenever `touch` says that it may have changed."""

    def __init__(self, context: Context, pod: Pod, compute: Callable[[], Object]) -> None:
        self._context, self._pod, self._compute = context, pod, compute
        self._sent: Object | None = None
        self._due = asyncio.Event()
        self._settled = asyncio.Event()
        self._away = self._over = False

    def touch(self, *, again: bool = False) -> None:
        """The status may have changed; with `again`, it is written even if it has not."""
        if again:
            self._sent = None
        self._settled.clear()
        self._due.set()

    async def settle(self) -> None:
        """Waits until the API has the present status, but no longer than there is hope of it (PATIENCE)."""
        self.touch()
        for _ in range(PATIENCE):
            if self._over:
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), 1.0)
                return
            if self._away:
                break
        log.debug("status of %s is not written yet", self._pod.path)

    async def run(self) -> None:
        """Writes until cancelled, or until the API says that this pod is no more."""
        while True:
            await self._due.wait()
            self._due.clear()
            status = self._compute()
            if status != self._sent and not await self._write(status):
                self._over = True
                self._settled.set()
                return
            if not self._due.is_set():
                self._settled.set()

    async def _write(self, status: Object) -> bool:
        body = {"metadata": {"uid": self._pod.uid}, "status": status}
        pause = 0.1
        while True:
            try:
                await self._context.patch(f"{self._pod.path}/status", body)
            except ApiAway:
                self._away = True
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
                if self._due.is_set():  # something newer is to be written: leave this one
                    return True
            except ApiError as error:
                if error.status in (404, 409):
                    return False
                log.error("the status of %s was refused: %s", self._pod.path, error)
                return True
            else:
                self._sent, self._away = status, False
                return True
