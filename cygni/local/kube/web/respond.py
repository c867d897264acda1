"""Answers: JSON, tables where kubectl asks for them, errors as Status, warnings as headers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from aiohttp import web

from cygni.local.kube.errors import ApiError
from cygni.local.kube.objects import Obj, encode
from cygni.local.kube.resources.kinds import Resource
from cygni.local.kube.tables import table


def json_answer(value: Obj, status: int = 200, warnings: Iterable[str] = ()) -> web.Response:
    """A JSON answer, each warning in a header of its own."""
    answer = web.Response(body=encode(value), status=status, content_type="application/json")
    for warning in warnings:
        answer.headers.add("Warning", '299 - "{}"'.format(warning.replace("\\", "\\\\").replace('"', '\\"')))
    return answer


def error_answer(error: ApiError) -> web.Response:
    """A refusal."""
    answer = json_answer(error.status, error.code)
    answer.headers.update(error.headers)
    return answer


def wants_table(request: web.Request) -> bool:
    """Whether the client asks for rows and columns before it asks for objects."""
    first = request.headers.get("Accept", "").partition(",")[0]
    return "as=Table" in re.split(r"[;\s]+", first)


def object_answer(
    request: web.Request, resource: Resource, obj: Obj, status: int = 200, warnings: Iterable[str] = ()
) -> web.Response:
    """One object, or a table of one row."""
    if wants_table(request):
        version = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
        return json_answer(table(resource, [obj], version, include=request.query.get("includeObject", "Metadata")))
    return json_answer(obj, status, warnings)


def success(resource: Resource, obj: Obj) -> Obj:
    """The Status that answers a deletion."""
    details = {"name": obj["metadata"]["name"], "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    if resource.group:
        details["group"] = resource.group
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
