"""Who is asking, as every service receives it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller: `subject` names it in the timeline, `team` is the tenant all its reads and writes are bound to."""

    subject: str
    team: str
    permissions: frozenset[str]

    def may(self, permission: str) -> bool:
        """Whether the caller holds `permission` (`deployments:write`); `*` grants all."""
        return "*" in self.permissions or permission in self.permissions
