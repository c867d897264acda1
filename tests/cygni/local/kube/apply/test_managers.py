"""What server-side apply promises, for any configurations: the contract tests tell the stories, these hold the laws."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.kube.apply.managers import Manager, apply, decode, track_update
from cygni.local.kube.errors import ApiError
from cygni.local.kube.schema.tree import builtin

SCHEMA = builtin("io.k8s.api.apps.v1.Deployment")
NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
CYGNI, OTHER = (Manager("Apply", name, "apps/v1") for name in ("cygni", "other"))
EMPTY: dict[str, Any] = {"metadata": {}}

_VALUES = st.sampled_from(["1", "2"])
_ENV = st.dictionaries(st.sampled_from("ABC"), _VALUES).map(
    lambda env: [{"name": k, "value": v} for k, v in sorted(env.items())]
)


def _config(labels: dict[str, str], env: list[dict[str, str]], replicas: int | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"template": {"spec": {"containers": [{"name": "app", "env": env}]}}}
    if replicas is not None:
        spec["replicas"] = replicas
    return {"metadata": {"labels": labels}, "spec": spec}


CONFIGS = st.builds(_config, st.dictionaries(st.sampled_from("xyz"), _VALUES), _ENV, st.none() | st.integers(0, 2))


def _env(obj: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in obj["spec"]["template"]["spec"]["containers"][0].get("env") or []}


@given(CONFIGS)
def test_applying_twice_is_applying_once(config: dict[str, Any]) -> None:
    once = apply(EMPTY, config, SCHEMA, CYGNI, NOW, force=False)
    assert apply(once, config, SCHEMA, CYGNI, LATER, force=False) == once


@given(CONFIGS, CONFIGS)
def test_alone_the_last_configuration_is_all_there_is(first: dict[str, Any], second: dict[str, Any]) -> None:
    obj = apply(apply(EMPTY, first, SCHEMA, CYGNI, NOW, force=False), second, SCHEMA, CYGNI, NOW, force=False)
    direct = apply(EMPTY, second, SCHEMA, CYGNI, NOW, force=False)
    assert _env(obj) == _env(direct)
    assert obj["spec"].get("replicas") == direct["spec"].get("replicas")
    assert decode(obj) == decode(direct)


@given(CONFIGS, CONFIGS)
def test_force_always_wins(first: dict[str, Any], second: dict[str, Any]) -> None:
    obj = apply(apply(EMPTY, first, SCHEMA, OTHER, NOW, force=False), second, SCHEMA, CYGNI, NOW, force=True)
    assert _env(second).items() <= _env(obj).items()
    assert second["metadata"]["labels"].items() <= obj["metadata"]["labels"].items()


@given(CONFIGS, CONFIGS)
def test_without_force_nothing_of_others_changes(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = apply(EMPTY, first, SCHEMA, OTHER, NOW, force=False)
    with contextlib.suppress(ApiError):
        obj = apply(live, second, SCHEMA, CYGNI, NOW, force=False)
        assert _env(first).items() <= _env(obj).items()
        assert decode(obj)[OTHER].fields == decode(live)[OTHER].fields


@given(CONFIGS, CONFIGS)
def test_applying_changes_neither_argument(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = apply(EMPTY, first, SCHEMA, OTHER, NOW, force=False)
    before = repr((live, second))
    apply(live, second, SCHEMA, CYGNI, NOW, force=True)
    assert repr((live, second)) == before


def test_a_conflict_names_the_field_and_the_manager() -> None:
    live = apply(EMPTY, _config({}, [], 1), SCHEMA, OTHER, NOW, force=False)
    with pytest.raises(ApiError, match=r'conflict with "other": \.spec\.replicas'):
        apply(live, _config({}, [], 2), SCHEMA, CYGNI, NOW, force=False)


def test_an_update_owns_what_it_changed_and_no_more() -> None:
    live = apply(EMPTY, _config({"x": "1"}, [], 1), SCHEMA, CYGNI, NOW, force=False)
    live["metadata"]["uid"] = "u"
    new = {**live, "spec": {**live["spec"], "replicas": 5}}
    editor = Manager("Update", "editor", "apps/v1")
    new["metadata"] = dict(live["metadata"])
    track_update(live, new, SCHEMA, editor, LATER, frozenset())
    entries = decode(new)
    assert entries[editor].fields == {("f:spec", "f:replicas")}
    assert ("f:spec", "f:replicas") not in entries[CYGNI].fields
