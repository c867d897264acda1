"""Events are news, not records: an hour after they were last seen they go."""

from __future__ import annotations

from collections.abc import Iterable

from cygni.local.kube.controllers.base import Base, seconds_since
from cygni.local.kube.storage.store import Change, Key

KEEP_SECONDS = 3600.0


class Events(Base):
    """See the module."""

    def concerns(self, change: Change) -> Iterable[Key]:
        return [change.key] if change.key.resource == "events" and change.type != "DELETED" else []

    def reconcile(self, key: Key) -> float | None:
        event = self.store.get(key)
        if event is None:
            return None
        seen = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
        left = KEEP_SECONDS - seconds_since(seen)
        if left > 0:
            return left + 1.0
        self.delete(self.resource("events"), event)
        return None
