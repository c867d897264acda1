"""JSON patches (RFC 6902) and JSON merge patches (RFC 7386)."""

from __future__ import annotations

from typing import Any

import jsonpatch

from cygni.local.kube.errors import bad_request, invalid, invalid_value
from cygni.local.kube.objects import Obj, deep_copy


def json_patch(target: Obj, operations: Any) -> Obj:
    """A copy of the target with the operations applied; 400 if they are none, 422 if one of them does not apply."""
    if not isinstance(operations, list):
        raise bad_request("error decoding patch: a JSON patch is a list of operations")
    try:
        patched = jsonpatch.apply_patch(target, operations)
    except jsonpatch.JsonPatchTestFailed as error:
        raise invalid("", "", "", [invalid_value("patch", operations, str(error))]) from error
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, KeyError, TypeError) as error:
        raise invalid("", "", "", [invalid_value("patch", operations, str(error))]) from error
    if not isinstance(patched, dict):
        raise bad_request("the patched object is no object")
    return patched


def merge_patch(target: Any, patch: Any) -> Any:
    """A copy of the target in which null removes, objects merge and everything else replaces."""
    if not isinstance(patch, dict):
        return deep_copy(patch)
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
