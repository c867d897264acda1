"""Calls from one function to another, where the caller must not load what the called one needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.platform.aws import client
from chalicelib.platform.errors import ClusterUnavailable, CygniError
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.logs import correlation_id


@dataclass(frozen=True, slots=True)
class Functions:
    """The Lambda functions of one account and region, by catalog name."""

    def call(self, name: str, event: Mapping[str, Any]) -> Any:
        """The function's answer. Raises ClusterUnavailable when it failed for a reason that may pass, else CygniError."""
        answer = client("lambda").invoke(
            FunctionName=name, InvocationType="RequestResponse", Payload=_payload(event), **_released()
        )
        value = json.loads(answer["Payload"].read() or b"null")
        if "FunctionError" in answer:
            kind, message = value.get("errorType", ""), value.get("errorMessage", "")
            raise ClusterUnavailable(message) if kind in _PASSING else CygniError(message or f"{name} failed.")
        return value

    def send(self, name: str, event: Mapping[str, Any], *, version: str = "") -> None:
        """Queues an invocation and returns at once; Lambda retries it twice if it fails. `version`: of that published one."""
        more = {"Qualifier": version} if version else _released()
        client("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=_payload(event), **more)


def _payload(event: Mapping[str, Any]) -> bytes:
    """The event with the id of the request that it comes of, so that the called function's log lines carry it, too."""
    request = correlation_id()
    return json.dumps({"request": request, **event} if request else event).encode()


def _released() -> dict[str, str]:
    """Which version answers: that of the release, where releases have an alias."""
    from chalicelib.platform.settings import settings

    alias = settings().release_alias
    return {"Qualifier": alias} if alias else {}


_PASSING = frozenset({"ClusterDown", "ClusterUnavailable", "Throttled", "LostRace", "Sandbox.Timedout"})
