from __future__ import annotations

import asyncio

import pytest

from cygni.local.node.events import Events
from cygni.local.node.spec import Object, parse_pod
from tests.cygni.local.node.fake import FakeApi, pod

POD = parse_pod(pod())


def recorder(api: FakeApi) -> Events:
    async def send(verb: str, path: str, body: Object) -> Object:
        return api.create(path, body) if verb == "create" else api.patch(path, body)

    return Events("local", send)


def test_an_event_names_its_pod_and_container() -> None:
    api = FakeApi()
    events = recorder(api)

    events.emit(POD, "Warning", "BackOff", "again", "app")
    asyncio.run(events.flush())

    event = api.events()[0]
    assert event["involvedObject"] == {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": "shop",
        "name": "web-1",
        "uid": POD.uid,
        "fieldPath": "spec.containers{app}",
    }
    assert (event["type"], event["reason"], event["message"], event["count"]) == ("Warning", "BackOff", "again", 1)


def test_the_same_news_raises_a_count_and_is_not_sent_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    api = FakeApi()
    events = recorder(api)
    monkeypatch.setattr("cygni.local.node.events.REPEAT_SECONDS", 3600)

    for _ in range(50):
        events.emit(POD, "Warning", "Unhealthy", "refused")
        asyncio.run(events.flush())
    monkeypatch.setattr("cygni.local.node.events.REPEAT_SECONDS", 0)
    asyncio.run(events.flush())

    assert [event["count"] for event in api.events()] == [50]
    assert len(api.calls) == 2


def test_news_waits_for_an_api_that_is_away() -> None:
    api = FakeApi()
    events = recorder(api)
    events.emit(POD, "Normal", "Started", "it runs")
    api.go_away()
    asyncio.run(events.flush())
    api.come_back()
    asyncio.run(events.flush())

    assert [event["reason"] for event in api.events()] == ["Started"]


def test_what_is_sent_by_itself_goes_out_at_once() -> None:
    api = FakeApi()

    async def scenario() -> None:
        events = recorder(api)
        task = asyncio.create_task(events.run())
        await asyncio.sleep(0)
        events.emit(POD, "Normal", "Started", "it runs")
        async with asyncio.timeout(60):
            while not api.events():
                await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(scenario())


def test_no_more_series_are_remembered_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cygni.local.node.events.REMEMBERED", 3)
    api = FakeApi()
    events = recorder(api)

    for number in range(10):
        events.emit(POD, "Normal", "Started", f"run {number}")
    asyncio.run(events.flush())

    assert [event["message"] for event in api.events()] == ["run 7", "run 8", "run 9"]
