"""Who is asking, as every service receives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: `subject` names it in timelines; all its reads and writes are bound to the tenant `team`."""

    subject: str
    team: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether the caller holds `permission` (`deployments:write`); `*` grants all."""
        return "*" in self.permissions or permission in self.permissions
