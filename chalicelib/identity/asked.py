"""What is written into a team's audit trail of requests whose callers prove themselves by what they send: sign-ins."""

from __future__ import annotations

from datetime import datetime

from chalicelib.audit.service import Deed, Trail
from chalicelib.identity.principal import Kind
from chalicelib.platform.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: when, from which address, its id, and for how many days lines of the trail are kept by default."""

    now: datetime
    source: str
    request: str
    retention: int

    def trail(self, team: str, actor: str, kind: Kind, operation: str, resource: str) -> Trail:
        """The witness of what the request changes on behalf of `actor`."""
        deed = Deed(
            team=team,
            actor=actor,
            actor_kind=kind.value,
            operation=operation,
            resource=resource[:300],
            request=self.request[:64],
            source=self.source,
            now=self.now,
            since=None,
            retention=self.retention,
        )
        return Trail(deed)
