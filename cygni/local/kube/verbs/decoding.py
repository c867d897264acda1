"""From what a client sent to an object that the rest may trust to be well-typed."""

from __future__ import annotations

from typing import Any

from cygni.local.kube.defaulting import fill_from_schema, set_defaults
from cygni.local.kube.errors import ApiError, bad_request
from cygni.local.kube.objects import Obj
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.schema.tree import ENVELOPE
from cygni.local.kube.validation.structure import drop_empty, prune, type_fault
from cygni.local.kube.verbs.options import WriteOptions


def decode(resource: Resource, body: Any, options: WriteOptions) -> Obj:
    """The body as an object, in place: envelope checked, unknown fields dropped (400 if strict), types right."""
    obj = _open(resource, body)
    unknown = [f'unknown field "{path}"' for path in prune(obj, resource.schema)]
    if unknown and options.validation == "Strict":
        text = "strict decoding error: " + ", ".join(unknown)
        if not resource.custom:
            text = f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: {text}'
        raise bad_request(text)
    if options.validation == "Warn":
        options.warnings.extend(unknown)
    envelope = {"metadata": obj["metadata"]} if resource.custom else obj
    fault = type_fault(envelope, resource.schema)
    if fault:
        raise bad_request(
            f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: json: {fault.message}'
        )
    return obj


def decode_configuration(resource: Resource, body: Any) -> Obj:
    """The body of an apply, in place. The real server answers what does not fit the schema with 500, and so do we."""
    obj = _open(resource, body)
    unknown = next(prune(obj, resource.schema), None)
    fault = f".{unknown}: field not declared in schema" if unknown else None
    if fault is None:
        cause = type_fault(obj, resource.schema)
        fault = f".{cause.field}: {cause.message}" if cause else None
    if fault:
        address = f"{obj['metadata'].get('namespace', '')}/{obj['metadata'].get('name', '')}"
        kind = f"{resource.api_version}, Kind={resource.kind}"
        raise ApiError(500, "", f"failed to create typed patch object ({address}; {kind}): {fault}")
    return obj


def _open(resource: Resource, body: Any) -> Obj:
    if not isinstance(body, dict):
        raise bad_request("the request body is no object")
    obj: Obj = body
    _check_envelope(resource, obj)
    if obj.get("metadata") is None:
        obj["metadata"] = {}
    return obj


def _check_envelope(resource: Resource, body: Obj) -> None:
    for field, expected, label in (("apiVersion", resource.api_version, "API version"), ("kind", resource.kind, "kind")):
        given = body.get(field)
        if not given and resource.custom:
            raise bad_request(f"Object '{field[0].upper()}{field[1:]}' is missing")
        if given and given != expected:
            raise bad_request(f"the {label} in the data ({given}) does not match the expected {label} ({expected})")
    body["apiVersion"], body["kind"] = resource.api_version, resource.kind


def complete(resource: Resource, obj: Obj) -> None:
    """Fill in defaults, in place."""
    if resource.custom:
        drop_empty(obj["metadata"], ENVELOPE.properties["metadata"])
        fill_from_schema(obj, resource.schema)
    else:
        drop_empty(obj, resource.schema)
        set_defaults(resource.key, obj)
