from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from cygni.local.gateway.inventory import Thing
from cygni.local.gateway.watch import Kind, Pace, Watcher


def eventually(holds: Callable[[], object]) -> None:
    """Waits until `holds` does, for up to thirty seconds."""
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


class Response:
    """A raw HTTP response of the fake API: a body, or a stream that lasts until `None` is put."""

    def __init__(self, body: bytes = b"") -> None:
        self.data = body
        self.packets: queue.Queue[bytes | Exception | None] = queue.Queue()

    def stream(self, amt: int | None) -> Iterator[bytes]:
        while (packet := self.packets.get()) is not None:
            if isinstance(packet, Exception):
                raise packet
            yield packet

    def shutdown(self) -> None:
        self.packets.put(None)

    def close(self) -> None:
        pass


class NotServed(Exception):
    status = 404


class Api:
    """Lists and watches one kind; `fault` is raised instead while it is set."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.version = 7
        self.fault: Exception | None = None
        self.asked = 0
        self.lists = 0
        self.watches: list[tuple[str, Response]] = []

    def __call__(self, **asked: Any) -> Response:
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        if asked.get("watch"):
            self.watches.append((asked["resource_version"], Response()))
            return self.watches[-1][1]
        self.lists += 1
        items = [{"metadata": {"name": name}} for name in self.names]
        return Response(json.dumps({"metadata": {"resourceVersion": str(self.version)}, "items": items}).encode())

    def tell(self, kind: str, name: str, version: int) -> None:
        """Sends an event to the newest watch, in two packets."""
        thing = {"metadata": {"name": name, "resourceVersion": str(version)}}
        line = json.dumps({"type": kind, "object": thing}).encode() + b"\n"
        self.watches[-1][1].packets.put(line[:9])
        self.watches[-1][1].packets.put(line[9:])

    def end(self, how: Exception | None = None) -> None:
        """Ends the newest watch."""
        self.watches[-1][1].packets.put(how)


class Names:
    """A sink that remembers names, and how often it was told."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.replaced = 0

    def replace(self, kind: str, things: Iterable[Thing]) -> None:
        self.names = {each["metadata"]["name"] for each in things}
        self.replaced += 1

    def put(self, kind: str, thing: Thing) -> None:
        self.names.add(thing["metadata"]["name"])

    def remove(self, kind: str, thing: Thing) -> None:
        self.names.discard(thing["metadata"]["name"])


class Watched:
    """A running watcher of one kind."""

    def __init__(self, api: Api, *, optional: bool = False, pace: Pace | None = None) -> None:
        self.api = api
        self.sink = Names()
        self._watcher = Watcher([Kind("Pod", api, optional)], self.sink, pace or Pace(0.001, 0.01, 0.0))

    def __enter__(self) -> Watched:
        self._before = set(threading.enumerate())
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watcher.stop()
        eventually(lambda: set(threading.enumerate()) <= self._before)

    def watching(self, times: int = 1) -> None:
        eventually(lambda: len(self.api.watches) >= times)


@pytest.fixture
def watched() -> Iterator[Watched]:
    with Watched(Api("a", "b")) as running:
        running.watching()
        yield running


def test_it_lists_and_then_watches_from_there(watched: Watched) -> None:
    assert watched.sink.names == {"a", "b"}
    assert [version for version, _ in watched.api.watches] == ["7"]


def test_events_reach_the_sink_however_they_are_cut_into_packets(watched: Watched) -> None:
    watched.api.tell("ADDED", "c", 8)
    watched.api.tell("MODIFIED", "a", 9)
    watched.api.tell("DELETED", "b", 10)
    eventually(lambda: watched.sink.names == {"a", "c"})


def test_the_next_watch_goes_on_where_the_last_one_was(watched: Watched) -> None:
    watched.api.tell("BOOKMARK", "", 12)
    watched.api.end()
    watched.watching(2)
    assert [version for version, _ in watched.api.watches] == ["7", "12"]
    assert watched.api.lists == 1


def test_a_version_that_is_too_old_means_a_new_list(watched: Watched) -> None:
    watched.api.names = ["z"]
    watched.api.watches[-1][1].packets.put(b'{"type": "ERROR", "object": {"code": 410, "message": "too old"}}\n')
    eventually(lambda: watched.sink.names == {"z"})


@pytest.mark.parametrize("fault", [OSError("reset"), ValueError("not JSON")])
def test_a_broken_watch_means_a_new_list(watched: Watched, fault: Exception) -> None:
    watched.api.end(fault)
    eventually(lambda: watched.api.lists == 2)


def test_while_the_api_is_away_the_last_word_stands(watched: Watched) -> None:
    watched.api.fault = ConnectionRefusedError()
    asked = watched.api.asked
    watched.api.end(OSError("reset"))
    eventually(lambda: watched.api.asked >= asked + 2)
    assert watched.sink.names == {"a", "b"}
    watched.api.names, watched.api.fault = ["c"], None
    eventually(lambda: watched.sink.names == {"c"})


def test_an_api_that_ends_watches_at_once_is_asked_in_measure() -> None:
    api = Api("a")
    with Watched(api, pace=Pace(0.05, 0.05, 1.0)) as running:
        for times in range(1, 4):
            running.watching(times)
            api.end()
        time.sleep(0.1)
        assert api.lists <= 5


def test_an_optional_kind_that_the_api_does_not_know_is_empty_and_asked_for_again() -> None:
    api = Api("a")
    api.fault = NotServed()
    with Watched(api, optional=True) as running:
        eventually(lambda: running.sink.replaced)
        assert running.sink.names == set()
        api.fault = None
        eventually(lambda: running.sink.names == {"a"})


def test_a_kind_that_must_be_there_is_not_taken_for_empty() -> None:
    api = Api("a")
    api.fault = NotServed()
    with Watched(api) as running:
        eventually(lambda: api.asked >= 3)
        assert running.sink.replaced == 0


def test_a_fault_is_told_once_and_not_at_every_attempt(caplog: pytest.LogCaptureFixture) -> None:
    api = Api("a")
    api.fault = ConnectionRefusedError("nobody there")
    with Watched(api):
        eventually(lambda: api.asked >= 4)
    assert len([each for each in caplog.messages if "nobody there" in each]) == 1
