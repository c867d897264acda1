"""Faults of AWS, put where botocore is about to send: a throttle, a 500, a lost connection, and an answer that is lost.

The last is the wicked one: what was asked for has been done, and who asked cannot know.
"""

from __future__ import annotations

import io
import random
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

_S3 = b"<Error><Code>%s</Code><Message>not now</Message></Error>"
_JSON = b'{"__type": "%s", "message": "not now"}'


class _Body(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


_STAYS = 0.6
"""How likely a call fails after one of its thread that failed: faults come in bursts, some longer than a client tries."""


class Faults:
    """Fails a share of the calls of the clients that it was put `on`; counts them by kind, and all calls."""

    KINDS = ("throttled", "broken", "no connection", "answer lost")

    def __init__(self, seed: int, share: float) -> None:
        self.share, self.active = share, False
        self.counts: Counter[str] = Counter()
        self.calls = 0
        self._chance, self._lock = random.Random(seed), threading.Lock()
        self._sends, self._last = URLLib3Session(timeout=90), threading.local()

    def on(self, client: Any) -> Any:
        """Puts itself before all else that a client does when it sends."""
        client.meta.events.register_first("before-send", self._before_send)
        return client

    def _before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if not self.active:
            return None
        service = event_name.split(".")[1]
        with self._lock:
            self.calls += 1
            begins = self.share * (1 - _STAYS) / (1 - self.share)  # so that the share of all calls is as wanted
            likely = _STAYS if getattr(self._last, "failed", False) else begins
            kind = self._chance.choice(self.KINDS) if self._chance.random() < likely else ""
            self._last.failed = bool(kind)
            self.counts[kind or "well"] += 1
        if kind in _REFUSALS:
            return _refusal(request, *_REFUSALS[kind][service == "s3"])
        if kind == "no connection":
            raise ConnectionClosedError(endpoint_url=request.url)
        if kind == "answer lost":
            self._sends.send(request).content  # noqa: B018 - read whole, and thrown away
            raise ReadTimeoutError(endpoint_url=request.url)
        return None


_REFUSALS = {
    "throttled": ((400, _JSON % b"ThrottlingException"), (503, _S3 % b"SlowDown")),
    "broken": ((500, _JSON % b"InternalServerError"), (500, _S3 % b"InternalError")),
}
"""What others than S3 answer, and S3."""


def _refusal(request: Any, status: int, body: bytes) -> AWSResponse:
    kind = "application/xml" if body.startswith(b"<") else "application/x-amz-json-1.0"
    return AWSResponse(request.url, status, {"content-type": kind, "content-length": str(len(body))}, _Body(body))
