"""Secrets that this process has read a short while ago, so that a look each minute does not pay for a read each minute.

1. A secret is kept under its name for `KEPT`, and never that there is none. Who reads a name is told of a change of its value
   after that time at the latest.
2. What is written or deleted here is forgotten at once, and so is what somebody doubts: a credential that was refused.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Protocol

KEPT = 900.0
"""Seconds for which a value is used without being read again."""
MOST = 64
"""Values that are kept; the one that was read longest ago goes first."""


class SecretStore(Protocol):
    """What is needed of `platform.secrets.Secrets`, which says what these promise."""

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, value: str, *, token: str) -> None: ...

    def forget(self, name: str) -> None: ...


class RememberedSecrets:
    """Those of a store, kept for a while. One instance serves many threads; nothing of a value is in its repr."""

    def __init__(self, secrets: SecretStore, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._secrets, self._clock, self._lock = secrets, clock, Lock()
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def read(self, name: str) -> str | None:
        """The value as it is, or was at most `KEPT` seconds ago. Raises what the store does, and then keeps nothing."""
        now = self._clock()
        with self._lock:
            value, until = self._kept.get(name, ("", now))
        if now < until:
            return value
        self.doubt(name)
        read = self._secrets.read(name)
        if read is not None:
            with self._lock:
                self._kept[name] = read, now + KEPT
                while len(self._kept) > MOST:
                    self._kept.popitem(last=False)
        return read

    def write(self, name: str, value: str, *, token: str) -> None:
        """As the store does."""
        self._secrets.write(name, value, token=token)
        self.doubt(name)

    def forget(self, name: str) -> None:
        """Deletes it in the store, too."""
        self._secrets.forget(name)
        self.doubt(name)

    def doubt(self, name: str) -> None:
        """Has the next who asks for it read it anew."""
        with self._lock:
            self._kept.pop(name, None)
