"""Values against their schema: unknown fields, wrong types, and the constraints of a custom resource's OpenAPI schema.

Rules written in CEL (`x-kubernetes-validations`) are evaluated in `cel`, once all else is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cygni.local.kube.errors import Cause, duplicate, invalid_value, not_supported, required
from cygni.local.kube.objects import encode, parse_quantity, parse_time
from cygni.local.kube.schema.tree import Schema

_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float),
}  # fmt: skip
_QUANTITY = "Quantity"


def prune(value: Any, schema: Schema, path: str = "") -> Iterator[str]:
    """Remove fields that the schema does not know, in place, and tell their paths."""
    if isinstance(value, dict):
        for name in list(value):
            child = schema.field(name)
            here = f"{path}.{name}" if path else name
            if child is not None:
                yield from prune(value[name], child, here)
            elif schema.type in {"object", ""} and not schema.is_open:
                del value[name]
                yield here
    elif isinstance(value, list) and schema.items is not None:
        for index, item in enumerate(value):
            yield from prune(item, schema.items, f"{path}[{index}]")


def drop_empty(value: Any, schema: Schema) -> None:
    """Remove nulls, and empty lists and maps, in place: a built-in kind cannot tell them from absent ones."""
    if isinstance(value, dict) and not schema.is_open:
        for name, child in list(value.items()):
            below = schema.field(name)
            if child is None or (child in ([], {}) and below is not None and _is_collection(below, name, schema)):
                del value[name]
            elif below is not None:
                drop_empty(child, below)
    elif isinstance(value, list) and schema.items is not None:
        for item in value:
            drop_empty(item, schema.items)


def _is_collection(schema: Schema, name: str, parent: Schema) -> bool:
    """Whether a field is a list or free map that is left out when empty."""
    return (schema.type == "array" or schema.additional is not None) and name not in parent.raw.get("required", ())


def type_fault(value: Any, schema: Schema, path: str = "") -> Cause | None:
    """The first value whose JSON type is wrong for a built-in kind, the message naming what was expected."""
    if value is None or schema.is_open:
        return None
    if schema.name in {_QUANTITY, "IntOrString"}:
        return _scalar_fault(value, schema.name, path)
    if not _has_type(value, schema.type):
        return Cause(path, f"cannot unmarshal {_go_type(value)} into field {path or '.'} of type {schema.type}")
    if isinstance(value, dict):
        pairs = ((f"{path}.{name}" if path else name, child, schema.field(name)) for name, child in value.items())
    elif isinstance(value, list):
        pairs = ((f"{path}[{index}]", child, schema.items) for index, child in enumerate(value))
    else:
        return _format_fault(value, schema, path)
    for here, child, below in pairs:
        fault = type_fault(child, below, here) if below is not None else None
        if fault:
            return fault
    return None


def _scalar_fault(value: Any, kind: str, path: str) -> Cause | None:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return Cause(path, f"cannot unmarshal {_go_type(value)} into field {path} of type {kind}")
    if kind == _QUANTITY:
        try:
            parse_quantity(value)
        except ValueError as error:
            return Cause(path, str(error))
    return None


def _format_fault(value: Any, schema: Schema, path: str) -> Cause | None:
    if schema.raw.get("format") == "date-time":
        try:
            parse_time(value)
        except ValueError:
            return Cause(path, f'parsing time "{value}" as RFC 3339: cannot parse')
    return None


def _has_type(value: Any, kind: str) -> bool:
    if not kind:
        return True
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _go_type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, (int, float)):
        return "number"
    names = ((str, "string"), (list, "array"), (dict, "object"))
    return next((name for kind, name in names if isinstance(value, kind)), "null")


def faults(value: Any, schema: Schema, path: str = "") -> Iterator[Cause]:
    """Everything in which a custom resource's value breaks its schema."""
    if value is None:
        if not schema.raw.get("nullable") and schema.type:
            yield Cause(
                path, f'Invalid value: "null": {path} in body must be of type {schema.type}: "null"', "FieldValueTypeInvalid"
            )
        return
    if schema.raw.get("x-kubernetes-int-or-string"):
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            yield _wrong_type(value, path, "integer,string")
        return
    if not _has_type(value, schema.type):
        yield _wrong_type(value, path, schema.type)
        return
    if "enum" in schema.raw and value not in schema.raw["enum"]:
        yield not_supported(path, value, [str(word) for word in schema.raw["enum"]])
    yield from _value_faults(value, schema, path)
    yield from _logic_faults(value, schema, path)


def _value_faults(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    if isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, path)
    elif isinstance(value, str):
        yield from _string_faults(value, schema, path)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield from _number_faults(value, schema, path)


def _wrong_type(value: Any, path: str, kind: str) -> Cause:
    got = {"bool": "boolean", "number": "integer" if isinstance(value, int) else "number"}.get(_go_type(value), _go_type(value))
    return Cause(path, f'Invalid value: "{got}": {path} in body must be of type {kind}: "{got}"', "FieldValueTypeInvalid")


def _object_faults(value: dict[str, Any], schema: Schema, path: str) -> Iterator[Cause]:
    for name in schema.raw.get("required", ()):
        if name not in value:
            yield required(f"{path}.{name}" if path else name)
    yield from _bounds(len(value), schema, path, "Properties", "properties", value)
    for name, child in value.items():
        below = schema.field(name)
        if below is not None and not (not path and name == "metadata"):
            yield from faults(child, below, f"{path}.{name}" if path else name)


def _list_faults(value: list[Any], schema: Schema, path: str) -> Iterator[Cause]:
    yield from _bounds(len(value), schema, path, "Items", "items", value)
    if schema.list_type in {"set", "map"} and schema.raw.get("x-kubernetes-list-type"):
        seen: set[bytes] = set()
        for index, item in enumerate(value):
            name = {key: item.get(key) for key in schema.map_keys} if schema.map_keys and isinstance(item, dict) else item
            if encode(name) in seen:
                yield duplicate(f"{path}[{index}]", name)
            seen.add(encode(name))
    if schema.items is not None:
        for index, item in enumerate(value):
            yield from faults(item, schema.items, f"{path}[{index}]")


def _string_faults(value: str, schema: Schema, path: str) -> Iterator[Cause]:
    yield from _bounds(len(value), schema, path, "Length", "chars long", value)
    pattern = schema.raw.get("pattern")
    if pattern and not re.search(pattern, value):
        yield invalid_value(path, value, f"{path} in body should match '{pattern}'")
    if schema.raw.get("format") == "date-time" and _format_fault(value, schema, path):
        yield invalid_value(path, value, f"{path} in body must be of type date-time: {encode(value).decode()}")


def _bounds(size: int, schema: Schema, path: str, what: str, unit: str, value: Any) -> Iterator[Cause]:
    lowest, highest = schema.raw.get(f"min{what}"), schema.raw.get(f"max{what}")
    if lowest is not None and size < lowest:
        yield invalid_value(path, value, f"{path} in body should have at least {lowest} {unit}".replace("have at", "be at")
                            if what == "Length" else f"{path} in body should have at least {lowest} {unit}")  # fmt: skip
    if highest is not None and size > highest:
        if what == "Length":
            yield Cause(path, f"Too long: may not be more than {highest} bytes", "FieldValueTooLong")
        else:
            yield Cause(path, f"Too many: {size}: must have at most {highest} items", "FieldValueTooMany")


def _number_faults(value: float, schema: Schema, path: str) -> Iterator[Cause]:
    lowest, highest = schema.raw.get("minimum"), schema.raw.get("maximum")
    if lowest is not None and (value < lowest or (value == lowest and schema.raw.get("exclusiveMinimum"))):
        relation = "greater than" if schema.raw.get("exclusiveMinimum") else "greater than or equal to"
        yield invalid_value(path, value, f"{path} in body should be {relation} {lowest}")
    if highest is not None and (value > highest or (value == highest and schema.raw.get("exclusiveMaximum"))):
        relation = "less than" if schema.raw.get("exclusiveMaximum") else "less than or equal to"
        yield invalid_value(path, value, f"{path} in body should be {relation} {highest}")
    step = schema.raw.get("multipleOf")
    if step and value % step:
        yield invalid_value(path, value, f"{path} in body should be a multiple of {step}")


def _logic_faults(value: Any, schema: Schema, path: str) -> Iterator[Cause]:
    for branch in schema.branches("allOf"):
        yield from faults(value, branch, path)
    some = schema.branches("anyOf")
    if some and all(any(faults(value, branch, path)) for branch in some):
        yield invalid_value(path, value, f"{path} in body must validate at least one schema (anyOf)")
    one = schema.branches("oneOf")
    if one and sum(not any(faults(value, branch, path)) for branch in one) != 1:
        yield invalid_value(path, value, f"{path} in body must validate one and only one schema (oneOf)")
    for branch in schema.branches("not"):
        if not any(faults(value, branch, path)):
            yield invalid_value(path, value, f"{path} in body must not validate the schema (not)")
