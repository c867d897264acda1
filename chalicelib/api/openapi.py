"""The OpenAPI 3.1 document, generated from the routes and the models that serve them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chalicelib.api.health import VERSION
from chalicelib.api.problems import CONTENT_TYPE, Problem, status_of
from chalicelib.api.routes import Nothing, Resource, Route
from chalicelib.identity.rules import MATRIX, Role
from chalicelib.platform.errors import (
    CygniError,
    Forbidden,
    GrantRefused,
    InvalidInput,
    Malformed,
    NotFound,
    RateLimited,
    Unauthenticated,
    WrongRegion,
)

_REF = "#/components/schemas/{model}"
_PARAMETER = re.compile(r"\{(\w+)\}")
_HTML: dict[str, Any] = {"text/html": {"schema": {"type": "string"}}}
_REDIRECT: dict[str, Any] = {
    "headers": {"Location": {"required": True, "schema": {"type": "string"}, "description": "Where the browser goes."}}
}


def document(resources: Iterable[Resource]) -> dict[str, Any]:
    """The whole API as an OpenAPI 3.1 document."""
    routes = [route for resource in resources for route in resource.routes]
    shapes, schemas = models_json_schema(sorted(_models(routes), key=str), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, shapes)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Cygni",
            "version": VERSION,
            "description": "From source to production behind health gates.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas.get("$defs", {}),
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An access token, or an API key."}
            },
        },
    }


def _models(routes: Iterable[Route]) -> set[tuple[type[BaseModel], JsonSchemaMode]]:
    models: set[tuple[type[BaseModel], JsonSchemaMode]] = {(Problem, "serialization")}
    for route in routes:
        if route.body is not Nothing:
            models.add((route.body, "validation"))
        if route.answer is not None:
            models.add((route.answer, "serialization"))
    return models


def _operation(route: Route, shapes: Any) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": _parameters(route),
        "responses": {str(route.status): _success(route, shapes), **_problems(route, shapes)},
    }
    if route.public:
        operation["security"] = []
    elif route.name in MATRIX:
        row = MATRIX[route.name]
        operation["x-roles"] = {role.value: row.cell(role).value for role in Role}
    if route.body is not Nothing:
        schema = shapes[(route.body, "validation")]
        operation["requestBody"] = {"required": True, "content": {kind: {"schema": schema} for kind in route.takes}}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    names = _PARAMETER.findall(route.path)
    text = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
    found: list[dict[str, Any]] = [{"name": name, "in": "path", "required": True, "schema": text} for name in names]
    if route.query is not Nothing:
        schema = route.query.model_json_schema()
        found.extend({"name": name, "in": "query", "schema": _bare(shape)} for name, shape in schema["properties"].items())
    if route.updates:
        etag = {"type": "string", "pattern": '^"[0-9]{1,12}"$'}
        found.append({"name": "If-Match", "in": "header", "schema": etag, "description": "ETag of your last GET."})
    if route.creates and not route.public:
        key = {"type": "string", "pattern": "^[!-~]{1,255}$"}
        told = "The same key and request twice are done once; remembered for 24 hours."
        found.append({"name": "Idempotency-Key", "in": "header", "schema": key, "description": told})
    return found


def _bare(shape: dict[str, Any]) -> dict[str, Any]:
    """A query parameter that may be absent is not a null: only the other branch remains."""
    options = [option for option in shape.get("anyOf", []) if option.get("type") != "null"]
    bare = {**shape, **(options[0] if len(options) == 1 else {})}
    for name in ("anyOf", "title") + (("default",) if shape.get("default") is None else ()):
        bare.pop(name, None)
    return bare


def _success(route: Route, shapes: Any) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": route.summary}
    if route.page:
        return answer | (_REDIRECT if route.status == 302 else {"content": _HTML})
    if route.answer is not None:
        answer["content"] = {"application/json": {"schema": shapes[(route.answer, "serialization")]}}
    elif route.status != 204:
        answer["content"] = {"application/json": {"schema": {"type": "object"}}}
    if route.also is not None:
        answer["content"][route.also] = {"schema": {"type": "string"}}
    return answer


def _problems(route: Route, shapes: Any) -> dict[str, Any]:
    kinds: set[type[CygniError]] = set(route.errors)
    if not route.public:
        kinds |= {Unauthenticated, Forbidden, RateLimited, WrongRegion}
    if _PARAMETER.search(route.path):
        kinds.add(NotFound)
    if route.oauth:
        kinds.add(GrantRefused)
    elif route.body is not Nothing or route.query is not Nothing:
        kinds |= {InvalidInput, Malformed}
    if (route.updates or route.creates) and not route.oauth:
        kinds.add(Malformed)
    kinds.add(CygniError)
    by_status: dict[int, list[str]] = {}
    for kind in sorted(kinds, key=lambda kind: kind.code):
        by_status.setdefault(status_of(kind), []).append(kind.code)
    content = _HTML if route.page else {CONTENT_TYPE: {"schema": shapes[(Problem, "serialization")]}}
    return {str(status): {"description": ", ".join(codes), "content": content} for status, codes in sorted(by_status.items())}
