from __future__ import annotations

from pathlib import Path

import pytest

from cygni.local.kube.storage.store import Change, Key, Store, TooOld

A, B = Key("configmaps", "n", "a"), Key("configmaps", "n", "b")


def _obj(key: Key, **fields: str) -> dict[str, object]:
    return {"metadata": {"name": key.name, "namespace": key.namespace}, **fields}


def test_every_write_takes_the_next_number() -> None:
    store = Store(":memory:")
    first = store.put(A, _obj(A))["metadata"]["resourceVersion"]
    second = store.put(A, _obj(A, x="1"))["metadata"]["resourceVersion"]
    last = store.remove(A)["metadata"]["resourceVersion"]
    assert int(last) == int(second) + 1 == int(first) + 2 == store.revision


def test_objects_and_the_counter_outlive_the_process(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.put(A, _obj(A, x="1"))
    store.put(B, _obj(B))
    store.remove(B)
    revision = store.revision  # no close: the file must be right at any moment
    again = Store(tmp_path / "db")
    assert (again.get(A) or {})["x"] == "1"
    assert again.get(B) is None
    assert again.revision == revision


def test_changes_are_told_with_what_was_before() -> None:
    store = Store(":memory:")
    heard: list[Change] = []
    end = store.subscribe(heard.append)
    store.put(A, _obj(A))
    store.put(A, _obj(A, x="1"))
    store.remove(A)
    end()
    store.put(A, _obj(A))
    assert [change.type for change in heard] == ["ADDED", "MODIFIED", "DELETED"]
    assert (heard[0].before, (heard[2].before or {})["x"]) == (None, "1")


def test_history_is_bounded_and_says_where_it_starts() -> None:
    store = Store(":memory:", history=2)
    start = store.revision
    for number in range(4):
        store.put(A, _obj(A, x=str(number)))
    assert [change.revision for change in store.since("configmaps", start + 2)] == [start + 3, start + 4]
    with pytest.raises(TooOld):
        store.since("configmaps", start + 1)


def test_after_a_restart_only_the_present_can_be_watched(tmp_path: Path) -> None:
    store = Store(tmp_path / "db")
    store.put(A, _obj(A))
    again = Store(tmp_path / "db")
    assert list(again.since("configmaps", again.revision)) == []
    with pytest.raises(TooOld):
        again.since("configmaps", again.revision - 1)


def test_a_snapshot_shows_an_earlier_moment() -> None:
    store = Store(":memory:")
    store.put(A, _obj(A, x="old"))
    moment = store.revision
    store.put(A, _obj(A, x="new"))
    store.put(B, _obj(B))
    store.remove(A)
    assert [obj["x"] for obj in store.snapshot("configmaps", "n", moment)] == ["old"]


def test_lists_are_ordered_by_namespace_and_name() -> None:
    store = Store(":memory:")
    for key in (Key("pods", "z", "a"), Key("pods", "y", "b"), Key("pods", "y", "a")):
        store.put(key, _obj(key))
    assert [(o["metadata"]["namespace"], o["metadata"]["name"]) for o in store.select("pods")] == [
        ("y", "a"),
        ("y", "b"),
        ("z", "a"),
    ]
    assert [o["metadata"]["name"] for o in store.select("pods", "z")] == ["a"]


def test_forgetting_ends_history() -> None:
    store = Store(":memory:")
    store.put(A, _obj(A))
    store.forget()
    with pytest.raises(TooOld):
        store.since("configmaps", store.revision - 1)
