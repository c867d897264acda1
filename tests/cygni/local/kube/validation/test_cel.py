from __future__ import annotations

from typing import Any

from cygni.local.kube.schema.tree import Schema
from cygni.local.kube.validation.cel import rule_faults


def schema(rule: str, **more: Any) -> Schema:
    inner = {"type": "object", "properties": {"n": {"type": "integer"}}, "x-kubernetes-validations": [{"rule": rule, **more}]}
    return Schema({"type": "object", "properties": {"spec": inner, "all": {"type": "array", "items": inner}}}, {})


def said(value: Any, rules: Schema, old: Any = None) -> list[tuple[str, str]]:
    return [(cause.field, cause.message) for cause in rule_faults(value, rules, old)]


def test_a_broken_rule_is_told_with_its_message_at_its_place() -> None:
    rules = schema("self.n > 1", message="n is too small")

    assert said({"spec": {"n": 1}}, rules) == [("spec", 'Invalid value: "object": n is too small')]
    assert said({"spec": {"n": 2}}, rules) == []


def test_a_rule_is_asked_of_every_item_of_a_list() -> None:
    rules = schema("self.n > 1", fieldPath=".n")

    assert [field for field, _ in said({"all": [{"n": 1}, {"n": 2}, {"n": 0}]}, rules)] == ["all[0].n", "all[2].n"]


def test_a_rule_about_the_old_value_is_asked_of_changes_only() -> None:
    rules = schema("self.n == oldSelf.n", message="n never changes")

    assert said({"spec": {"n": 1}}, rules) == []
    assert said({"spec": {"n": 1}}, rules, {"spec": {"n": 1}}) == []
    assert len(said({"spec": {"n": 1}}, rules, {"spec": {"n": 2}})) == 1


def test_a_value_that_the_rule_cannot_read_is_refused() -> None:
    assert "evaluation error" in said({"spec": {}}, schema("self.n > 1"))[0][1]


def test_a_function_that_is_not_known_here_refuses_nothing() -> None:
    assert said({"spec": {"n": 1}}, schema("isURL(self.n)")) == []
