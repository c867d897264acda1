"""A schema as a tree to walk: one node type for the built-in kinds and for custom resources.

Pruning, validation, strategic merge and server-side apply all read the same nodes, so each behaviour is written once.
Nodes are made lazily, since `JSONSchemaProps` and others refer to themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from cygni.local.kube.objects import Obj

_OPAQUE = frozenset(
    {
        "JSON",
        "JSONSchemaPropsOrArray",
        "JSONSchemaPropsOrBool",
        "JSONSchemaPropsOrStringArray",
        "FieldsV1",
        "CustomResourceSubresourceStatus",
    }
)
CRD_NAME = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


class Schema:
    """One node: `raw` is its OpenAPI v3 object with references resolved one step; the rest is derived from it."""

    def __init__(self, raw: Obj, definitions: Mapping[str, Obj], name: str = "") -> None:
        reference = raw.get("$ref")
        if reference:
            raw = {**definitions[reference], **{key: value for key, value in raw.items() if key != "$ref"}}
        self.raw = raw
        self.name = (reference or name).rpartition(".")[2]
        self._definitions = definitions

    def _child(self, raw: Any) -> Schema:
        return Schema(raw, self._definitions)

    @cached_property
    def type(self) -> str:
        """The JSON type, "" where any is allowed (also for quantities, integers-or-strings and free-form JSON)."""
        kind = self.raw.get("type", "")
        if not kind and ("properties" in self.raw or "additionalProperties" in self.raw):
            return "object"
        return str(kind)

    @cached_property
    def properties(self) -> dict[str, Schema]:
        """Declared fields of an object."""
        return {name: self._child(child) for name, child in self.raw.get("properties", {}).items()}

    @cached_property
    def items(self) -> Schema | None:
        """The element of a list."""
        return self._child(self.raw["items"]) if isinstance(self.raw.get("items"), dict) else None

    @cached_property
    def additional(self) -> Schema | None:
        """The value of a map with free keys."""
        value = self.raw.get("additionalProperties")
        if isinstance(value, dict):
            return self._child(value)
        return ANY if value is True else None

    @cached_property
    def is_open(self) -> bool:
        """Whether unknown fields stay: free-form JSON, and objects that ask to keep them."""
        return bool(self.raw.get("x-kubernetes-preserve-unknown-fields")) or self.name in _OPAQUE

    @cached_property
    def is_embedded(self) -> bool:
        """A whole object inside an object: apiVersion, kind and metadata are allowed."""
        return bool(self.raw.get("x-kubernetes-embedded-resource"))

    @cached_property
    def is_atomic(self) -> bool:
        """Whether apply treats an object as one leaf. Lists say so by their `list_type`."""
        return self.raw.get("x-kubernetes-map-type") == "atomic" or self.name in _OPAQUE

    @cached_property
    def list_type(self) -> str:
        """atomic, set or map."""
        return str(self.raw.get("x-kubernetes-list-type", "atomic"))

    @cached_property
    def map_keys(self) -> tuple[str, ...]:
        """The fields that name an element of a list of type map."""
        return tuple(self.raw.get("x-kubernetes-list-map-keys", ()))

    @cached_property
    def merge_key(self) -> str | None:
        """The field that names an element in a strategic merge patch."""
        return self.raw.get("x-kubernetes-patch-merge-key")

    @cached_property
    def merge_strategies(self) -> frozenset[str]:
        """merge, replace, retainKeys: how a strategic merge patch treats the field."""
        return frozenset(filter(None, str(self.raw.get("x-kubernetes-patch-strategy", "")).split(",")))

    def branches(self, keyword: str) -> list[Schema]:
        """The schemas under allOf, anyOf, oneOf or not."""
        found = self.raw.get(keyword, [])
        return [self._child(branch) for branch in (found if isinstance(found, list) else [found])]

    def field(self, name: str) -> Schema | None:
        """The schema of a field of an object; None where the field is unknown."""
        found = self.properties.get(name)
        if found is None:
            found = self.additional
        if found is None and self.is_embedded and name in ENVELOPE.properties:
            return ENVELOPE.properties[name]
        return found if found is not None or not self.is_open else ANY


@cache
def definitions() -> dict[str, Obj]:
    """Name → schema of every built-in definition."""
    return json.loads((Path(__file__).parent / "builtin.json").read_text())  # type: ignore[no-any-return]


@cache
def gateway_definitions() -> list[Obj]:
    """The CustomResourceDefinitions of the Gateway API."""
    return json.loads((Path(__file__).parent / "gateway.json").read_text())  # type: ignore[no-any-return]


@cache
def messages() -> dict[str, dict[str, tuple[str, str, str]]]:
    """Definition → protobuf field number → (JSON name, shape, type), see `compact.protobuf`."""
    return json.loads((Path(__file__).parent / "protobuf.json").read_text())  # type: ignore[no-any-return]


@cache
def builtin(name: str) -> Schema:
    """The schema of a built-in definition by its full name."""
    return Schema({"$ref": name}, definitions())


ANY = Schema({"x-kubernetes-preserve-unknown-fields": True}, {})
ENVELOPE = Schema(
    {"properties": {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"$ref": _META}}}, definitions()
)


def custom(raw: Obj) -> Schema:
    """The schema of a custom resource: what its definition declares, within the usual envelope."""
    properties = {key: value for key, value in raw.get("properties", {}).items() if key not in ENVELOPE.properties}
    return Schema({**raw, "type": "object", "properties": {**ENVELOPE.raw["properties"], **properties}}, definitions())
