"""Objects seen through their schema, as server-side apply sees them: field sets, comparison, merging, removal.

Maps are merged key by key unless atomic; lists are atomic unless the schema makes them sets or keyed lists ("map").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cygni.local.kube.apply.fieldset import FieldSet, Path, key_element, value_element
from cygni.local.kube.errors import bad_request
from cygni.local.kube.objects import deep_copy
from cygni.local.kube.schema.tree import ANY, Schema

_ABSENT: Any = object()


@dataclass(frozen=True)
class Comparison:
    """Paths that a change added, modified and removed; no path is in two of them."""

    added: FieldSet
    modified: FieldSet
    removed: FieldSet


def _is_granular(value: Any, schema: Schema) -> bool:
    """Whether apply looks inside the value."""
    if isinstance(value, list):
        return schema.list_type != "atomic"
    return isinstance(value, dict) and not schema.is_atomic


def children(value: Any, schema: Schema) -> Iterator[tuple[str, Any, Schema]]:
    """(path element, value, schema) of what a granular value holds; 400 for a keyed element without its key."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield f"f:{name}", child, schema.field(name) or ANY
        return
    item_schema = schema.items or ANY
    for item in value:
        yield list_element(item, schema), item, item_schema


def list_element(item: Any, schema: Schema) -> str:
    """The path element that names an item of a set or keyed list."""
    if schema.list_type == "set":
        return value_element(item)
    if not isinstance(item, dict):
        raise bad_request(f"associative list with keys has an element that can't be a map type: {item!r}")
    keys = {}
    for key in schema.map_keys:
        field = schema.items.field(key) if schema.items else None
        value = item.get(key, field.raw.get("default") if field else None)
        if value is not None:
            keys[key] = value
    if not keys:
        raise bad_request(f"associative list with keys has an element that omits key field {schema.map_keys[0]!r}")
    return key_element(keys)


def field_set(value: Any, schema: Schema, path: Path = ()) -> Iterator[Path]:
    """The paths that an applied configuration claims: leaves, empty maps, and the items of keyed lists and sets."""
    for element, child, child_schema in children(value, schema):
        here = (*path, element)
        if not element.startswith("f:") or element[2:] not in schema.properties:
            yield here
        if child in (None, {}) or not _is_granular(child, child_schema):
            yield here
        else:
            yield from field_set(child, child_schema, here)


def compare(old: Any, new: Any, schema: Schema) -> Comparison:
    """What changed between two states of an object. A null is a value, other than no value."""
    added: list[Path] = []
    modified: list[Path] = []
    removed: list[Path] = []
    _compare(old, new, schema, (), (added, modified, removed))
    return Comparison(frozenset(added), frozenset(modified), frozenset(removed))


def _compare(old: Any, new: Any, schema: Schema, path: Path, out: tuple[list[Path], list[Path], list[Path]]) -> None:
    if old == new and type(old) is type(new):
        return
    if not _both_granular(old, new, schema):
        out[0 if old is _ABSENT else 2 if new is _ABSENT else 1].append(path)
        return
    before = {element: (child, below) for element, child, below in children(old, schema)} if _is_filled(old) else {}
    after = {element: (child, below) for element, child, below in children(new, schema)} if _is_filled(new) else {}
    for element in before | after:
        child_old, below = before.get(element, (_ABSENT, ANY))
        child_new, below = after.get(element, (_ABSENT, below))
        _compare(child_old, child_new, below, (*path, element), out)
    if old is _ABSENT or new is _ABSENT:
        out[0 if old is _ABSENT else 2].append(path)


def _is_filled(value: Any) -> bool:
    return value is not _ABSENT and bool(value)


def _both_granular(old: Any, new: Any, schema: Schema) -> bool:
    """Whether a change is told in terms of what is inside: both sides are granular, or one is and the other has nothing."""
    if not _is_filled(old) and not _is_filled(new):
        return False
    sides = [value for value in (old, new) if value is not _ABSENT and value is not None]
    return all(_is_granular(value, schema) for value in sides) and len({type(value) for value in sides}) == 1


def merge(live: Any, config: Any, schema: Schema) -> Any:
    """A copy of the live value with the configuration laid over it; null in the configuration removes."""
    if not _is_granular(config, schema) or type(live) is not type(config):
        return deep_copy(config)
    if isinstance(config, dict):
        merged = dict(live)
        for name, child in config.items():
            if child is None:
                merged.pop(name, None)
            else:
                merged[name] = merge(live.get(name), child, schema.field(name) or ANY)
        return merged
    return _merge_list(live, config, schema)


def _merge_list(live: list[Any], config: list[Any], schema: Schema) -> list[Any]:
    """Items of the configuration in its order; live items that it does not name come as early as that allows."""
    current = {list_element(item, schema): item for item in live}
    wished = {list_element(item, schema): item for item in config}
    merged = {
        element: merge(current[element], item, schema.items or ANY) if element in current else deep_copy(item)
        for element, item in wished.items()
    }
    result: list[Any] = []
    queue = list(wished)
    for element, item in current.items():
        if element not in wished:
            result.append(item)
        elif element == next((each for each in queue if each in current), None):
            upto = queue.index(element) + 1
            result.extend(merged[each] for each in queue[:upto])
            queue = queue[upto:]
    return result + [merged[each] for each in queue]


def remove(value: Any, paths: FieldSet, schema: Schema) -> Any:
    """A copy without the given paths. What is emptied by it becomes null, which is how Kubernetes leaves it too."""
    if not paths or not _is_granular(value, schema):
        return value
    below: dict[str, set[Path]] = {}
    for path in paths:
        below.setdefault(path[0], set()).add(path[1:])
    kept: list[tuple[str, Any]] = []
    for element, child, child_schema in children(value, schema):
        inner = below.get(element, set())
        if () not in inner:
            kept.append((element, remove(child, frozenset(inner), child_schema) if inner else child))
    if not kept and value:
        return None
    return {element[2:]: child for element, child in kept} if isinstance(value, dict) else [child for _, child in kept]
