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
            _reorder(merged, field, order, schema.field(field) if schema else None)
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
    key = schema.merge_key
    if key is None:
        return [*live, *(item for item in patch if item not in live)]
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
    return result


def _reorder(merged: Obj, field: str, order: list[Any], schema: Schema | None) -> None:
    """Order the listed elements as wished; those not listed keep their place relative to the ones before them."""
    key = schema.merge_key if schema else None
    wished = [item.get(key) if key and isinstance(item, dict) else item for item in order]
    items: list[Any] = merged.get(field) or []

    def name(item: Any) -> Any:
        return item.get(key) if key and isinstance(item, dict) else item

    ranks: list[tuple[int, int]] = []
    last = -1
    for position, item in enumerate(items):
        last = wished.index(name(item)) if name(item) in wished else last
        ranks.append((last, position))
    if items:
        merged[field] = [items[position] for _, position in sorted(ranks)]


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_directives(child) for key, child in value.items() if not key.startswith("$") and child is not None
        }
    if isinstance(value, list):
        return [_without_directives(child) for child in value]
    return deep_copy(value)
