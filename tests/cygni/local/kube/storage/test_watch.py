from __future__ import annotations

import pytest

from cygni.local.kube.selectors import selector_for
from cygni.local.kube.storage import watch as module
from cygni.local.kube.storage.store import Key, Store
from cygni.local.kube.storage.watch import Watch

A = Key("configmaps", "n", "a")


def _put(store: Store, **labels: str) -> None:
    store.put(A, {"metadata": {"name": "a", "namespace": "n", "labels": labels}})


def test_a_selector_turns_changes_into_coming_and_going() -> None:
    store = Store(":memory:")
    with Watch(store, "configmaps", "n", selector_for("on=yes", "", "configmaps")) as watch:
        _put(store)
        _put(store, on="yes")
        _put(store, on="yes", more="x")
        _put(store, on="no")
        assert [kind for kind, _ in watch.drain()] == ["ADDED", "MODIFIED", "DELETED"]


def test_other_namespaces_and_resources_are_not_heard() -> None:
    store = Store(":memory:")
    with Watch(store, "configmaps", "other", None) as here, Watch(store, "secrets", "", None) as there:
        _put(store)
        assert (list(here.drain()), list(there.drain())) == ([], [])


def test_nothing_is_heard_after_the_end() -> None:
    store = Store(":memory:")
    with Watch(store, "configmaps", "", None) as watch:
        pass
    _put(store)
    assert list(watch.drain()) == []


def test_who_is_too_slow_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACKLOG", 2)
    store = Store(":memory:")
    with Watch(store, "configmaps", "", None) as watch:
        for _ in range(3):
            _put(store)
        assert watch.overrun
