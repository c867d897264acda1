"""OpenAPI v3 for kubectl: enough to validate, to merge strategically, and to explain fields. v2 is not served (404)."""

from __future__ import annotations

from typing import Any

from cygni.local.kube.objects import Obj
from cygni.local.kube.resources.catalog import Catalog
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.schema.compact import references
from cygni.local.kube.schema.tree import definitions

_PREFIX = "#/components/schemas/"
_WRITE_PARAMETERS = [
    {"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": True}}
    for name in ("dryRun", "fieldManager", "fieldValidation")
]
_FORCE = {"name": "force", "in": "query", "schema": {"type": "boolean", "uniqueItems": True}}


def index(catalog: Catalog) -> Obj:
    """`/openapi/v3`: which documents there are."""
    paths = {}
    for group, versions in catalog.group_versions().items():
        for version in versions:
            path = f"apis/{group}/{version}" if group else f"api/{version}"
            paths[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={catalog.generation}"}
    return {"paths": paths}


def document(catalog: Catalog, group: str, version: str) -> Obj | None:
    """`/openapi/v3/apis/<group>/<version>`; None if that is not served."""
    resources = [resource for resource in catalog if (resource.group, resource.version) == (group, version)]
    if not resources:
        return None
    schemas: dict[str, Any] = {}
    paths: Obj = {}
    for resource in resources:
        name = _schema_name(resource)
        schemas[name] = {**resource.schema.raw, "x-kubernetes-group-version-kind": [_kind(resource)]}
        _collect(schemas[name], schemas)
        paths |= _paths(resource, name)
    components = {"schemas": {name: _point(schema) for name, schema in schemas.items()}}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "v1.34"}, "paths": paths, "components": components}


def _kind(resource: Resource) -> Obj:
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}


def _schema_name(resource: Resource) -> str:
    if resource.custom:
        return ".".join([*reversed(resource.group.split(".")), resource.version, resource.kind])
    return next(
        name for name, schema in definitions().items() if _kind(resource) in schema.get("x-kubernetes-group-version-kind", ())
    )


def _collect(schema: Obj, schemas: dict[str, Any]) -> None:
    for name in references(schema):
        if name not in schemas:
            schemas[name] = definitions()[name]
            _collect(schemas[name], schemas)


def _point(node: Any) -> Any:
    """References in the form that OpenAPI wants."""
    if isinstance(node, dict):
        return {
            key: _PREFIX + child if key == "$ref" and isinstance(child, str) else _point(child) for key, child in node.items()
        }
    return [_point(child) for child in node] if isinstance(node, list) else node


def _paths(resource: Resource, schema_name: str) -> Obj:
    base = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
    collection = f"{base}/namespaces/{{namespace}}/{resource.plural}" if resource.namespaced else f"{base}/{resource.plural}"
    content = {"application/json": {"schema": {"$ref": _PREFIX + schema_name}}}

    def operation(action: str, parameters: list[Obj]) -> Obj:
        return {
            "operationId": f"{action}{resource.kind}{resource.version}",
            "parameters": parameters,
            "responses": {"200": {"description": "OK", "content": content}},
            "x-kubernetes-action": action,
            "x-kubernetes-group-version-kind": _kind(resource),
        }

    return {
        collection: {"get": operation("list", []), "post": operation("post", _WRITE_PARAMETERS)},
        collection + "/{name}": {
            "get": operation("get", []),
            "put": operation("put", _WRITE_PARAMETERS),
            "patch": operation("patch", [*_WRITE_PARAMETERS, _FORCE]),
            "delete": operation("delete", []),
        },
    }
