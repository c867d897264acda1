"""The JSON Schema of `cygni.yaml`, generated from its models, and the walk through it that explains errors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from chalicelib.projects.spec import AppFile

SCHEMA_ID = "https://cygni.dev/schema/cygni-1.json"


def json_schema() -> dict[str, Any]:
    """The published schema (draft 2020-12), which editors use for completion.

    Whatever it refuses, `parse` refuses. It cannot say that `scale.max` is at least `scale.min` and leaves room for
    `scale.requests`, that weights rise, and what a custom gate needs besides its name.
    """
    generated = AppFile.model_json_schema(by_alias=True)
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "cygni.yaml",
    }
    schema |= {key: _tidy(value) for key, value in generated.items() if key != "title"}
    return schema


def subschema(path: Sequence[str | int]) -> dict[str, Any]:
    """The part of the schema that speaks of the value at `path`; empty where it says nothing."""
    schema = _known()
    here = _resolved(schema, schema)
    for part in path:
        if isinstance(part, int):
            here = here.get("items", {})
        else:
            extra = here.get("additionalProperties")
            here = here.get("properties", {}).get(part) or (extra if isinstance(extra, dict) else {})
        here = _resolved(here, schema)
    return here


@cache
def _known() -> dict[str, Any]:
    return json_schema()


def _resolved(part: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = part.get("$ref")
    return schema["$defs"][reference.rpartition("/")[2]] if reference else part


def _tidy(part: Any) -> Any:
    """Without generated titles, and with mappings by name closed to names that break the pattern."""
    if isinstance(part, list):
        return [_tidy(each) for each in part]
    if not isinstance(part, dict):
        return part
    tidied = {key: _tidy(value) for key, value in part.items() if not (key == "title" and isinstance(value, str))}
    patterns = tidied.pop("patternProperties", None)
    if patterns:
        ((pattern, value),) = patterns.items()
        tidied["additionalProperties"] = value
        tidied["propertyNames"] = {**tidied.get("propertyNames", {}), "pattern": pattern}
    return tidied
