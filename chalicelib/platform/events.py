"""News on Cygni's own event bus, for operators who want to hear of them: names, ids and states, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from chalicelib.platform.aws import client
from chalicelib.platform.errors import Throttled

SOURCE = "cygni"
BUS = "cygni"
"""The bus: `functions.catalog` declares it."""


@dataclass(frozen=True, slots=True)
class EventBus:
    """The bus of one account and region."""

    def publish(self, kind: str, detail: Mapping[str, object], at: datetime) -> None:
        """Publishes an event. It may come twice: whoever hears it knows it by its ids. Raises Throttled if it was not taken."""
        entry = {"EventBusName": BUS, "Source": SOURCE, "DetailType": kind, "Detail": json.dumps(dict(detail)), "Time": at}
        if client("events").put_events(Entries=[entry]).get("FailedEntryCount"):
            raise Throttled("The event bus did not take an event.")
