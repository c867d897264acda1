from __future__ import annotations

from typing import Any

import pytest

from cygni.local.kube.errors import ApiError
from cygni.local.kube.patches.strategic import strategic_merge
from cygni.local.kube.schema.tree import builtin

POD = builtin("io.k8s.api.core.v1.Pod")


def _pod(**spec: Any) -> dict[str, Any]:
    return {"metadata": {}, "spec": spec}


def _containers(live: list[dict[str, Any]], patch: Any, **more: Any) -> list[dict[str, Any]]:
    merged = strategic_merge(_pod(containers=live), _pod(containers=patch, **more), POD)
    return list(merged["spec"]["containers"])


def test_elements_are_merged_by_their_key() -> None:
    assert _containers([{"name": "a", "image": "1"}], [{"name": "a", "tty": True}]) == [
        {"name": "a", "image": "1", "tty": True}
    ]


def test_an_element_is_deleted_by_directive() -> None:
    assert _containers([{"name": "a"}, {"name": "b"}], [{"name": "a", "$patch": "delete"}]) == [{"name": "b"}]


def test_a_whole_list_is_replaced_by_directive() -> None:
    assert _containers([{"name": "a"}], [{"name": "b"}, {"$patch": "replace"}]) == [{"name": "b"}]


def test_the_order_can_be_set() -> None:
    order = {"$setElementOrder/containers": [{"name": "b"}, {"name": "a"}]}
    assert [each["name"] for each in _containers([{"name": "a"}, {"name": "b"}], [], **order)] == ["b", "a"]


def test_a_plain_list_is_replaced() -> None:
    live = {"name": "a", "command": ["x", "y"]}
    assert _containers([live], [{"name": "a", "command": ["z"]}]) == [{"name": "a", "command": ["z"]}]


def test_primitive_lists_merge_and_let_go() -> None:
    live = {"metadata": {"finalizers": ["a", "b"]}}
    patch = {"metadata": {"finalizers": ["c"], "$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert set(strategic_merge(live, patch, POD)["metadata"]["finalizers"]) == {"b", "c"}


def test_null_removes() -> None:
    assert strategic_merge({"metadata": {"labels": {"a": "b"}}}, {"metadata": {"labels": None}}, POD) == {"metadata": {}}


def test_retained_keys_let_the_others_go() -> None:
    volumes = [{"name": "v", "emptyDir": {}}]
    patch = _pod(volumes=[{"name": "v", "$retainKeys": ["name", "configMap"], "configMap": {"name": "c"}}])
    merged = strategic_merge(_pod(volumes=volumes), patch, POD)
    assert merged["spec"]["volumes"] == [{"name": "v", "configMap": {"name": "c"}}]


@pytest.mark.parametrize("patch", [[{"image": "1"}], ["a"]])
def test_an_element_without_its_key_is_refused(patch: Any) -> None:
    with pytest.raises(ApiError, match="merge key"):
        _containers([], patch)


def test_an_unknown_directive_is_refused() -> None:
    with pytest.raises(ApiError, match="Unknown patch type"):
        strategic_merge({}, {"$patch": "explode"}, POD)
