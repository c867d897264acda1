"""The part of Kubernetes' JSON paths that printer columns use: fields, quoted fields, indexes, `[*]` and equality filters."""

from __future__ import annotations

import re
from typing import Any

_STEP = re.compile(
    r"""\.(?P<field>(?:\\.|[^.\[\\])+)
      | \[['"](?P<quoted>[^'"]+)['"]\]
      | \[(?P<index>-?\d+|\*)\]
      | \[\?\(@\.(?P<key>[\w.-]+)\s*==\s*['"](?P<value>[^'"]*)['"]\)\]""",
    re.VERBOSE,
)


def find(value: Any, path: str) -> list[Any]:
    """All values at a path such as `.status.conditions[?(@.type=="Ready")].status`; none if the path cannot be read."""
    found = [value]
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if not match:
            return []
        found = [child for parent in found for child in _step(parent, match)]
        position = match.end()
    return found


def _step(parent: Any, match: re.Match[str]) -> list[Any]:
    field = match["field"] or match["quoted"]
    if field:
        field = field.replace("\\.", ".")
        if isinstance(parent, dict):
            return [parent[field]] if parent.get(field) is not None else []
        return []
    if not isinstance(parent, list):
        return []
    if match["key"]:
        return [item for item in parent if isinstance(item, dict) and str(item.get(match["key"])) == match["value"]]
    if match["index"] == "*":
        return list(parent)
    index = int(match["index"])
    return [parent[index]] if -len(parent) <= index < len(parent) else []


def first(value: Any, path: str) -> Any:
    """The first value at a path, None if there is none."""
    return next(iter(find(value, path)), None)
