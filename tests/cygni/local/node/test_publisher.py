from __future__ import annotations

import asyncio
from typing import Any

from cygni.local.node.api import ApiError
from cygni.local.node.publisher import StatusPublisher
from cygni.local.node.spec import Object, parse_pod
from tests.cygni.local.node.fake import pod
from tests.support import patience


class Context:
    """Writes what it is given after so many seconds, or refuses it."""

    def __init__(self, seconds: float = 0.0, refusal: ApiError | None = None) -> None:
        self.seconds, self.refusal = seconds, refusal
        self.written: list[Object] = []

    async def patch(self, path: str, body: Object) -> Object:
        await asyncio.sleep(self.seconds)
        if self.refusal is not None:
            raise self.refusal
        self.written.append(body)
        return body


def settled(context: Any) -> list[Object]:
    """What is written by the time that a publisher says that it is."""

    async def scenario() -> list[Object]:
        publisher = StatusPublisher(context, parse_pod(pod()), lambda: {"phase": "Running"})
        running = asyncio.create_task(publisher.run())
        await publisher.settle()
        running.cancel()
        return list(context.written)

    return patience.run(scenario())


def test_an_api_that_is_slow_is_waited_for() -> None:
    assert [body["status"] for body in settled(Context(1.2))] == [{"phase": "Running"}]


def test_nobody_waits_for_a_pod_that_the_api_has_no_more() -> None:
    context = Context(refusal=ApiError(404, "gone"))

    async def again() -> None:
        publisher = StatusPublisher(context, parse_pod(pod()), dict)  # type: ignore[arg-type]
        running = asyncio.create_task(publisher.run())
        for _ in range(2):
            await asyncio.wait_for(publisher.settle(), 0.5)
        await running

    patience.run(again())
