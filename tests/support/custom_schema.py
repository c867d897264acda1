"""Custom resources against the OpenAPI schema of their definition, strictly: a field that it does not name is an error."""

from __future__ import annotations

from typing import Any

import jsonschema

Obj = dict[str, Any]
_ENVELOPE = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}


def assert_valid_custom(manifest: Obj, definitions: list[Obj]) -> None:
    """Raises AssertionError without a definition of its kind and version, and ValidationError for what the schema refuses."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    found = [
        each["schema"]["openAPIV3Schema"]
        for definition in definitions
        if (definition["spec"]["group"], definition["spec"]["names"]["kind"]) == (group, manifest["kind"])
        for each in definition["spec"]["versions"]
        if each["name"] == version and each["served"]
    ]
    assert found, f"no definition serves {manifest['kind']} of {manifest['apiVersion']}"
    schema = strict(found[0])
    schema["properties"] = {**schema["properties"], **_ENVELOPE}
    jsonschema.Draft202012Validator(schema).validate(manifest)


def strict(schema: Obj) -> Obj:
    """A structural OpenAPI schema as a JSON Schema that takes no field it does not name."""
    made = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes-") and key != "nullable"}
    if "properties" in made:
        made["properties"] = {name: strict(child) for name, child in made["properties"].items()}
        if "additionalProperties" not in made and not schema.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    for key in ("items", "additionalProperties"):
        if isinstance(made.get(key), dict):
            made[key] = strict(made[key])
    if schema.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if schema.get("nullable") and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made
