"""Every model of a record, and what it looks like when it is stored."""

from __future__ import annotations

import base64
import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pynamodb.attributes import Attribute

import chalicelib
from chalicelib.platform.table import Item

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Model = type[Item]
Raw = dict[str, dict[str, Any]]
SAMPLES: dict[str, Any] = {
    "BinaryAttribute": b"bytes",
    "BooleanAttribute": True,
    "JSONAttribute": {"list": [1, "two"]},
    "NumberAttribute": 7,
    "PackedAttribute": {"list": [1, "two"]},
    "RepackedAttribute": {"list": [1, "two"]},
    "TTLAttribute": MOMENT,
    "UTCDateTimeAttribute": MOMENT,
    "UnicodeAttribute": "text",
    "VersionAttribute": 3,
}
"""A value for each kind of attribute."""


def models() -> dict[str, Model]:
    """All models that are stored, by module and name."""
    for each in pkgutil.walk_packages(chalicelib.__path__, "chalicelib."):
        importlib.import_module(each.name)
    found = {f"{each.__module__}.{each.__name__}": each for each in _below(Item) if not each.__name__.startswith("_")}
    return {name: each for name, each in sorted(found.items()) if not each.__subclasses__()}


def _below(model: Model) -> Iterator[Model]:
    for each in model.__subclasses__():
        if each.__module__.startswith("chalicelib."):
            yield each
            yield from _below(each)


def attributes(model: Model) -> dict[str, list[Any]]:
    """Of each attribute, by its name in the store: its type there, and whether every record has it."""
    return {
        each.attr_name: [each.attr_type, not each.null and each.default is None]
        for each in model.get_attributes().values()
        if each.attr_name not in ("pk", "sk")
    }


def sample(model: Model) -> Item:
    """A record with every attribute."""
    values = {name: value_of(each) for name, each in model.get_attributes().items() if name not in ("pk", "sk")}
    return model("OWNER#1", "KIND#1", **values)


def value_of(attribute: Attribute[Any]) -> Any:
    """The sample for an attribute. A kind that has none raises KeyError: it needs its line."""
    return SAMPLES[type(attribute).__name__]


def to_json(raw: Raw) -> dict[str, Any]:
    """A record as a file can hold it: bytes in base64."""
    return {
        name: {kind: base64.b64encode(value).decode() if kind == "B" else value for kind, value in cell.items()}
        for name, cell in raw.items()
    }


def from_json(held: dict[str, Any]) -> Raw:
    """A record that a file holds."""
    return {
        name: {kind: base64.b64decode(value) if kind == "B" else value for kind, value in cell.items()}
        for name, cell in held.items()
    }
