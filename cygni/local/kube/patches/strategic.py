"""Strategic merge patches: merge patches that know which lists are merged, and by which key of their elements.

Directives inside a patch: `$patch: replace | delete | merge` in an object or list element, `$retainKeys` (fields to keep),
`$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>` beside a list.
"""

from __future__ import annotations

from typing import Any

from cygni.local.kube.errors import bad_request
from cygni.local.kube.objects import Obj, deep_copy
from cygni.local.kube.schema.tree import Schema

_DELETE_FROM = "$deleteFromPrimitiveList/"
_ORDER = "$setElementOrder/"


def strategic_merge(target: Obj, patch: Obj, schema: Schema) -> Obj:
    """A copy of the target with the patch merged into it."""
    merged = _merge_map(target, patch, schema)
    return merged if merged is not None else {}


def _merge_map(target: Obj, patch: Obj, schema: Schema | None) -> Obj | None:
    """The merged object, or None where the patch deletes it."""
    directive = patch.get("$patch")
    if directive == "delete":
        return None
    if directive == "replace":
        replaced: Obj = _without_directives(patch)
        return replaced
    if directive not in {None, "merge"}:
        raise bad_request(f"Unknown patch type found: {directive}")
    merged = dict(target)
    if "$retainKeys" in patch:
        merged = {key: value for key, value in merged.items() if key in patch["$retainKeys"]}
    for key, value in patch.items():
        if key.startswith(_DELETE_FROM):
            field = key.removeprefix(_DELETE_FROM)
            merged[field] = [item for item in merged.get(field) or [] if item not in value]
        elif not key.startswith("$"):
            _merge_field(merged, key, value, schema.field(key) if schema else None)
    for key, order in patch.items():
        if key.startswith(_ORDER):
            field = key.removeprefix(_ORDER)
            merge_key = _merge_key(schema.field(field) if schema else None)
            wished = [_name(item, merge_key) for item in order]
            merged[field] = _in_order(merged.get(field) or [], target.get(field) or [], wished, merge_key)
    return merged


def _merge_field(merged: Obj, key: str, value: Any, schema: Schema | None) -> None:
    if value is None:
        merged.pop(key, None)
    elif isinstance(value, dict):
        replaces = schema is not None and "replace" in schema.merge_strategies
        live = merged.get(key)
        child = _merge_map(live if isinstance(live, dict) and not replaces else {}, value, schema)
        if child is None:
            merged.pop(key, None)
        else:
            merged[key] = child
    elif isinstance(value, list) and schema is not None and "merge" in schema.merge_strategies:
        live = merged.get(key)
        merged[key] = _merge_list(live if isinstance(live, list) else [], value, schema)
    else:
        merged[key] = _without_directives(value)


def _merge_list(live: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    key = _merge_key(schema)
    wished = [_name(item, key) for item in patch]
    if key is None:
        return _in_order([*live, *(item for item in patch if item not in live)], live, wished, None)
    if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in patch):
        return [_without_directives(item) for item in patch if item.get("$patch") != "replace"]
    result = list(live)
    for item in patch:
        if not isinstance(item, dict) or key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        position = next((index for index, old in enumerate(result) if old.get(key) == item[key]), None)
        merged = _merge_map(result[position] if position is not None else {}, item, schema.items)
        if position is None:
            result.extend([merged] if merged is not None else [])
        elif merged is None:
            result.pop(position)
        else:
            result[position] = merged
    return _in_order(result, live, wished, key)


def _merge_key(schema: Schema | None) -> str | None:
    return schema.merge_key if schema else None


def _name(item: Any, key: str | None) -> Any:
    return item.get(key) if key and isinstance(item, dict) else item


def _in_order(items: list[Any], live: list[Any], wished: list[Any], key: str | None) -> list[Any]:
    """The items with those that the patch names in its order; the others come before what they preceded so far, as far as
    that does not disturb the patch's order."""
    named = sorted((item for item in items if _name(item, key) in wished), key=lambda item: wished.index(_name(item, key)))
    others = [item for item in items if _name(item, key) not in wished]
    before = [_name(item, key) for item in live]
    result: list[Any] = []
    while named and others:
        first, other = _name(named[0], key), _name(others[0], key)
        goes_first = first in before and other in before and before.index(other) < before.index(first)
        result.append(others.pop(0) if goes_first else named.pop(0))
    return [*result, *named, *others]


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_directives(child) for key, child in value.items() if not key.startswith("$") and child is not None
        }
    if isinstance(value, list):
        return [_without_directives(child) for child in value]
    return deep_copy(value)
