"""Secrets in memory, with what Secrets Manager promises of versions. The contract tests run it beside the real one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from chalicelib.platform.errors import LostRace, SecretsUnavailable


@dataclass
class FakeSecrets:
    """`away` makes every call fail. `reads` counts the calls that reached the store, failing ones among them."""

    values: dict[str, str] = field(default_factory=dict)
    versions: dict[tuple[str, str], str] = field(default_factory=dict)
    away: bool = False
    reads: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, name: str) -> str | None:
        with self._lock:
            self.reads += 1
            self._here()
            return self.values.get(name)

    def write(self, name: str, value: str, *, token: str) -> None:
        with self._lock:
            self._here()
            if (name, token) not in self.versions:
                self.versions[name, token] = self.values[name] = value
            elif self.versions[name, token] != value:
                raise LostRace("Someone else wrote it at the same moment.")

    def forget(self, name: str) -> None:
        with self._lock:
            self._here()
            self.values.pop(name, None)

    def _here(self) -> None:
        if self.away:
            raise SecretsUnavailable("The secret cannot be reached.")
