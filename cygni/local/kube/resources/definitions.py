"""The rules of CustomResourceDefinitions, and the conditions that tell that one is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cygni.local.kube.errors import Cause, forbidden_field, invalid_value, not_supported, required
from cygni.local.kube.objects import Obj, get_path, name_of

_IMMUTABLE = "field is immutable"
_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_SCOPES = ("Cluster", "Namespaced")
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")


def definition_faults(obj: Obj) -> Iterator[Cause]:
    """What is wrong with a CustomResourceDefinition."""
    spec = obj.get("spec") or {}
    names = spec.get("names") or {}
    for field in ("plural", "kind"):
        if not names.get(field):
            yield required(f"spec.names.{field}")
    if names.get("plural") and not _NAME.fullmatch(names["plural"]):
        yield invalid_value("spec.names.plural", names["plural"], "a DNS-1035 label is lower case letters, digits and hyphens")
    if "." not in spec.get("group", ""):
        yield invalid_value("spec.group", spec.get("group", ""), "should be a domain with at least one dot")
    if spec.get("scope") not in _SCOPES:
        yield not_supported("spec.scope", spec.get("scope", ""), _SCOPES)
    wanted = f"{names.get('plural')}.{spec.get('group')}"
    if name_of(obj) != wanted:
        yield invalid_value("metadata.name", name_of(obj), 'must be spec.names.plural+"."+spec.group')
    yield from _version_faults(spec.get("versions") or [])


def _version_faults(versions: list[Obj]) -> Iterator[Cause]:
    if not versions:
        yield required("spec.versions", "must have at least one version")
    elif sum(bool(version.get("storage")) for version in versions) != 1:
        yield invalid_value("spec.versions", "", "must have exactly one version marked as storage version")
    for index, version in enumerate(versions):
        here = f"spec.versions[{index}].schema.openAPIV3Schema"
        schema = get_path(version, "schema", "openAPIV3Schema")
        if schema is None:
            yield required(here, "schemas are required")
        elif schema.get("type") != "object":
            yield invalid_value(f"{here}.type", schema.get("type", ""), "must be object at the root")
        else:
            yield from _structural_faults(schema, here)


def _structural_faults(schema: Any, path: str) -> Iterator[Cause]:
    """A structural schema: a type at every node, and no unknown type."""
    if not isinstance(schema, dict):
        return
    kind = schema.get("type")
    free = schema.get("x-kubernetes-int-or-string") or schema.get("x-kubernetes-preserve-unknown-fields")
    if not kind and not free:
        yield required(f"{path}.type", "must not be empty for specified object fields")
    elif kind and kind not in _TYPES:
        yield not_supported(f"{path}.type", kind, _TYPES)
    if kind == "array" and not schema.get("items"):
        yield required(f"{path}.items", "must be specified")
    if schema.get("properties") and isinstance(schema.get("additionalProperties"), dict):
        yield forbidden_field(f"{path}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    for name, child in (schema.get("properties") or {}).items():
        yield from _structural_faults(child, f"{path}.properties[{name}]")
    for keyword in ("items", "additionalProperties"):
        yield from _structural_faults(schema.get(keyword), f"{path}.{keyword}")


def definition_change_faults(old: Obj, new: Obj) -> Iterator[Cause]:
    """What never changes in a CustomResourceDefinition."""
    for path in (("spec", "group"), ("spec", "scope"), ("spec", "names", "kind"), ("spec", "names", "plural")):
        if get_path(old, *path) != get_path(new, *path):
            yield invalid_value(".".join(path), get_path(new, *path), _IMMUTABLE)


def established_status(obj: Obj, moment: str) -> Obj:
    """The status of a definition that is served."""
    conditions = [
        {"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"},
        {
            "type": "Established",
            "status": "True",
            "reason": "InitialNamesAccepted",
            "message": "the initial names have been accepted",
        },
    ]
    known = {condition["type"]: condition for condition in get_path(obj, "status", "conditions", default=[])}
    stored = next(version["name"] for version in obj["spec"]["versions"] if version.get("storage"))
    before = get_path(obj, "status", "storedVersions", default=[])
    return {
        "conditions": [known.get(each["type"]) or {**each, "lastTransitionTime": moment} for each in conditions],
        "acceptedNames": obj["spec"]["names"],
        "storedVersions": before if stored in before else [*before, stored],
    }
