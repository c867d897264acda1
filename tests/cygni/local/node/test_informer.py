from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping

import pytest

from cygni.local.node.api import ApiAway, ApiError
from cygni.local.node.informer import Changed, Informer, Listed, News
from cygni.local.node.spec import Object
from tests.cygni.local.node.fake import FakeApi


class Script:
    """A stream that plays these events, then does what the last word says: `end`, `break`, or wait to be closed."""

    def __init__(self, *events: Object, then: str = "wait") -> None:
        self._events, self._then = events, then
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Object]:
        yield from self._events
        if self._then == "break":
            raise ApiAway(0, "broken")
        if self._then == "wait":
            self._closed.wait(60)

    def close(self) -> None:
        self._closed.set()


class ScriptedApi(FakeApi):
    """Lists one pod; its watches are played one after the other, the last one waits."""

    def __init__(self, *scripts: Script) -> None:
        super().__init__()
        self.objects["/api/v1/namespaces/shop/pods/a"] = {"metadata": {"name": "a", "resourceVersion": "1"}, "spec": {}}
        self.scripts, self.since = [*scripts, Script()], list[str]()

    def watch(self, path: str, query: Mapping[str, str]) -> Script:  # type: ignore[override]
        self.since.append(query["resourceVersion"])
        return self.scripts.pop(0)


def event(kind: str, name: str, version: str) -> Object:
    return {"type": kind, "object": {"metadata": {"name": name, "resourceVersion": version}}}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cygni.local.node.informer.SHORTEST_PAUSE", 0.01)
    monkeypatch.setattr("cygni.local.node.informer.LONGEST_PAUSE", 0.01)


def heard(api: ScriptedApi, count: int) -> list[str]:
    """The first `count` pieces of news, in short."""
    news: list[str] = []
    enough = threading.Event()

    def handle(one: News) -> None:
        match one:
            case Listed(items):
                news.append("listed " + " ".join(item["metadata"]["name"] for item in items))
            case Changed(item, gone):
                news.append(f"{'gone' if gone else 'seen'} {item['metadata']['name']}")
        if len(news) == count:
            enough.set()

    informer = Informer(api, "/api/v1/pods", {}, handle)
    informer.start()
    assert enough.wait(60), news
    informer.stop()
    informer.join(60)
    assert not informer.is_alive()
    return news[:count]


def test_an_informer_has_no_name_that_threads_of_a_later_python_have() -> None:
    own = set(vars(Informer(ScriptedApi(), "/api/v1/pods", {}, print))) - set(vars(threading.Thread()))

    assert own.isdisjoint({"_handle", "_os_thread_handle", "_context"})  # 3.13 and 3.14, where such a thread would not start


def test_what_is_there_is_listed_and_what_changes_is_told_in_order() -> None:
    api = ScriptedApi(Script(event("ADDED", "b", "5"), event("MODIFIED", "a", "6"), event("DELETED", "b", "7")))

    assert heard(api, 4) == ["listed a", "seen b", "seen a", "gone b"]


def test_a_watch_that_ends_in_order_is_gone_on_with_where_it_ended() -> None:
    api = ScriptedApi(
        Script(event("ADDED", "b", "5"), event("BOOKMARK", "", "9"), then="end"), Script(event("ADDED", "c", "10"))
    )

    assert heard(api, 3) == ["listed a", "seen b", "seen c"]
    assert api.since[1] == "9"


def test_a_version_that_the_api_has_forgotten_leads_to_a_new_list() -> None:
    gone = {"type": "ERROR", "object": {"code": 410, "message": "too old"}}
    api = ScriptedApi(Script(gone))

    assert heard(api, 2) == ["listed a", "listed a"]


def test_a_connection_that_breaks_leads_to_a_new_list() -> None:
    assert heard(ScriptedApi(Script(event("ADDED", "b", "5"), then="break")), 3) == ["listed a", "seen b", "listed a"]


def test_a_refusal_is_tried_again_later() -> None:
    class Refusing(ScriptedApi):
        refusals = 2

        def get(self, path: str, query: Mapping[str, str] | None = None) -> Object:
            self.refusals -= 1
            if self.refusals >= 0:
                raise ApiError(403, "not yet")
            return super().get(path, query)

    assert heard(Refusing(), 1) == ["listed a"]
