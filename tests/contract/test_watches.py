"""Lists and watches: how a client knows what is, and hears of what changes."""

from __future__ import annotations

import itertools

import pytest

from tests.contract.api import Api
from tests.contract.conftest import Space
from tests.contract.objects import config, pod


def _version(api: Api, path: str) -> str:
    return str(api.get(path).body["metadata"]["resourceVersion"])


def test_a_watch_from_a_list_misses_nothing(api: Api, space: Space) -> None:
    path = space.path("secrets")
    version = _version(api, path)
    space.create("secrets", {"metadata": {"name": "a"}})
    api.patch(space.path("secrets", "a"), {"metadata": {"labels": {"x": "y"}}})
    api.delete(space.path("secrets", "a"))
    events = list(itertools.islice(api.watch(path, resourceVersion=version), 3))
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


def test_a_watch_without_a_version_starts_with_what_is(api: Api, space: Space) -> None:
    space.create("secrets", {"metadata": {"name": "a"}})
    event = next(api.watch(space.path("secrets")))
    assert (event["type"], event["object"]["metadata"]["name"]) == ("ADDED", "a")


def test_a_watch_ends_when_its_time_is_over(api: Api, space: Space) -> None:
    path = space.path("secrets")
    assert list(api.watch(path, 1, resourceVersion=_version(api, path))) == []


def test_coming_to_match_is_added_and_ceasing_to_is_deleted(api: Api, space: Space) -> None:
    path, one = space.path("configmaps"), space.path("configmaps", "a")
    version = _version(api, path)
    space.create("configmaps", config("a"))
    api.patch(one, {"metadata": {"labels": {"on": "yes"}}})
    api.patch(one, {"data": {"k": "1"}})
    api.patch(one, {"metadata": {"labels": {"on": "no"}}})
    events = itertools.islice(api.watch(path, resourceVersion=version, labelSelector="on=yes"), 3)
    assert [event["type"] for event in events] == ["ADDED", "MODIFIED", "DELETED"]


def test_one_object_is_watched_by_its_name(api: Api, space: Space) -> None:
    path = space.path("configmaps")
    version = _version(api, path)
    space.create("configmaps", config("other"))
    space.create("configmaps", config("mine"))
    event = next(api.watch(path, resourceVersion=version, fieldSelector="metadata.name=mine"))
    assert event["object"]["metadata"]["name"] == "mine"


def test_a_version_before_history_is_gone(api: Api, space: Space) -> None:
    event = next(api.watch("/api/v1/configmaps", resourceVersion="1"))
    if event["type"] != "ERROR":
        pytest.skip("this server is so young that it still holds its whole history")
    assert (event["type"], event["object"]["code"], event["object"]["reason"]) == ("ERROR", 410, "Expired")


def test_a_version_that_is_no_number_is_refused(api: Api, space: Space) -> None:
    assert api.get(space.path("configmaps"), resourceVersion="soon", watch="true").status >= 400


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("app=web", ["a", "b"]),
        ("app==web,tier=front", ["a"]),
        ("app!=web", ["c", "d"]),
        ("tier", ["a", "b"]),
        ("!app", ["d"]),
        ("tier in (front, back)", ["a", "b"]),
        ("tier notin (front)", ["b", "c", "d"]),
        ("app in (web),tier!=back", ["a"]),
    ],
)
def test_labels_select(api: Api, space: Space, selector: str, names: list[str]) -> None:
    labels = {"a": {"app": "web", "tier": "front"}, "b": {"app": "web", "tier": "back"}, "c": {"app": "db"}, "d": {}}
    for name, own in labels.items():
        space.create("secrets", {"metadata": {"name": name, "labels": own}})
    assert api.names(space.path("secrets"), labelSelector=selector) == names


def test_fields_select(api: Api, space: Space) -> None:
    placed = pod("placed")
    placed["spec"]["nodeName"] = "n"
    space.create("pods", placed)
    space.create("pods", pod("waiting"))
    path = space.path("pods")
    assert api.names(path, fieldSelector="spec.nodeName=n") == ["placed"]
    assert api.names(path, fieldSelector="spec.nodeName=") == ["waiting"]
    assert api.names(path, fieldSelector="metadata.name!=placed,status.phase=Pending") == ["waiting"]


@pytest.mark.parametrize("query", [{"fieldSelector": "spec.unknown=1"}, {"labelSelector": "a b"}])
def test_a_selector_that_cannot_be_read_is_refused(api: Api, space: Space, query: dict[str, str]) -> None:
    assert api.get(space.path("pods"), **query).status == 400


def test_pages_add_up_to_one_moment(api: Api, space: Space) -> None:
    for name in "abcde":
        space.create("secrets", {"metadata": {"name": name}})
    path = space.path("secrets")
    first = api.get(path, limit=2).body
    api.delete(space.path("secrets", "d"))
    seen = [item["metadata"]["name"] for item in first["items"]]
    token = first["metadata"]["continue"]
    while token:
        page = api.get(path, **{"limit": 2, "continue": token}).body
        seen += [item["metadata"]["name"] for item in page["items"]]
        token = page["metadata"].get("continue")
    assert seen == list("abcde")


def test_lists_span_namespaces(api: Api, space: Space) -> None:
    space.create("secrets", {"metadata": {"name": "a", "labels": {"in": space.name}}})
    items = api.get("/api/v1/secrets", labelSelector=f"in={space.name}").body["items"]
    assert [item["metadata"]["namespace"] for item in items] == [space.name]
