from __future__ import annotations

from typing import Any

import pytest

from cygni.local.kube.schema.tree import Schema, builtin
from cygni.local.kube.validation.structure import drop_empty, faults, prune, type_fault

POD = builtin("io.k8s.api.core.v1.Pod")


def _schema(**raw: Any) -> Schema:
    return Schema({"type": "object", "properties": {"x": raw}}, {})


@pytest.mark.parametrize(
    ("raw", "value", "reason"),
    [
        ({"type": "string"}, 1, "FieldValueTypeInvalid"),
        ({"type": "integer"}, 1.5, "FieldValueTypeInvalid"),
        ({"type": "integer"}, True, "FieldValueTypeInvalid"),
        ({"type": "string"}, None, "FieldValueTypeInvalid"),
        ({"type": "string", "enum": ["a"]}, "b", "FieldValueNotSupported"),
        ({"type": "string", "pattern": "^a+$"}, "b", "FieldValueInvalid"),
        ({"type": "string", "maxLength": 1}, "ab", "FieldValueTooLong"),
        ({"type": "string", "minLength": 1}, "", "FieldValueInvalid"),
        ({"type": "string", "format": "date-time"}, "soon", "FieldValueInvalid"),
        ({"type": "integer", "minimum": 1}, 0, "FieldValueInvalid"),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": True}, 1, "FieldValueInvalid"),
        ({"type": "integer", "multipleOf": 2}, 3, "FieldValueInvalid"),
        ({"type": "array", "maxItems": 1, "items": {"type": "integer"}}, [1, 2], "FieldValueTooMany"),
        ({"type": "array", "items": {"type": "integer"}}, ["a"], "FieldValueTypeInvalid"),
        ({"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "integer"}}, [1, 1], "FieldValueDuplicate"),
        ({"type": "object", "required": ["y"]}, {}, "FieldValueRequired"),
        ({"x-kubernetes-int-or-string": True}, [], "FieldValueTypeInvalid"),
        ({"type": "integer", "anyOf": [{"minimum": 5}, {"maximum": 1}]}, 3, "FieldValueInvalid"),
        ({"type": "integer", "oneOf": [{"minimum": 1}, {"maximum": 9}]}, 3, "FieldValueInvalid"),
        ({"type": "integer", "not": {"minimum": 1}}, 3, "FieldValueInvalid"),
        ({"type": "integer", "allOf": [{"minimum": 1}]}, 0, "FieldValueInvalid"),
    ],
)
def test_each_keyword_refuses(raw: dict[str, Any], value: Any, reason: str) -> None:
    found = list(faults({"x": value}, _schema(**raw)))
    assert [cause.reason for cause in found] == [reason]
    assert found[0].field.startswith("x")


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ({"type": "integer"}, 2.0),
        ({"type": "string", "nullable": True}, None),
        ({"x-kubernetes-int-or-string": True}, "50%"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"any": "key"}),
        ({"type": "object", "x-kubernetes-preserve-unknown-fields": True}, {"free": ["form"]}),
    ],
)
def test_what_fits_is_accepted(raw: dict[str, Any], value: Any) -> None:
    assert list(faults({"x": value}, _schema(**raw))) == []


def test_unknown_fields_are_removed_and_named() -> None:
    pod = {"metadata": {"labels": {"any": "key"}}, "spec": {"containers": [{"name": "a", "bogus": 1}]}, "more": {}}
    assert sorted(prune(pod, POD)) == ["more", "spec.containers[0].bogus"]
    assert pod == {"metadata": {"labels": {"any": "key"}}, "spec": {"containers": [{"name": "a"}]}}


def test_empty_maps_and_lists_go_but_empty_structs_stay() -> None:
    pod = {
        "metadata": {"labels": {}},
        "spec": {"volumes": [{"name": "v", "emptyDir": {}}], "tolerations": [], "hostname": None},
    }
    drop_empty(pod, POD)
    assert pod == {"metadata": {}, "spec": {"volumes": [{"name": "v", "emptyDir": {}}]}}


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"containers": "none"}, "spec.containers"),
        ({"containers": [{"ports": [{"containerPort": "http"}]}]}, "spec.containers[0].ports[0].containerPort"),
        ({"containers": [{"resources": {"limits": {"cpu": "x"}}}]}, "spec.containers[0].resources.limits.cpu"),
        ({"hostNetwork": "yes"}, "spec.hostNetwork"),
    ],
)
def test_a_wrong_type_is_found_at_any_depth(spec: dict[str, Any], path: str) -> None:
    fault = type_fault({"spec": spec}, POD)
    assert fault is not None
    assert fault.field == path


def test_a_port_may_be_a_name_where_the_field_says_so() -> None:
    probe = {"httpGet": {"port": "http"}}
    assert type_fault({"spec": {"containers": [{"readinessProbe": probe}]}}, POD) is None
