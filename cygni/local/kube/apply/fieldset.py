"""Sets of fields as server-side apply keeps them: who owns which paths.

A path is a tuple of elements: `f:name` a field, `k:{"name":"app"}` an element of a keyed list, `v:"x"` an element of a set.
The wire form (`fieldsV1`) is a nested object in which `.` marks a node that is itself a member.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from cygni.local.kube.objects import Obj

Path = tuple[str, ...]
FieldSet = frozenset[Path]

EMPTY: FieldSet = frozenset()


def to_fields_v1(paths: Iterable[Path]) -> Obj:
    """The nested wire form of a set, keys ordered."""
    root: Obj = {}
    for path in sorted(paths):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        node["."] = {}
    return _drop_dots_of_leaves(root)


def _drop_dots_of_leaves(node: Obj) -> Obj:
    tidy: Obj = {}
    for key in sorted(node):
        child = node[key]
        tidy[key] = {} if key == "." or set(child) == {"."} else _drop_dots_of_leaves(child)
    return tidy


def from_fields_v1(node: Obj) -> FieldSet:
    """The set that a wire form describes."""
    return frozenset(_walk(node, ()))


def _walk(node: Obj, prefix: Path) -> Iterable[Path]:
    for key, child in node.items():
        if key == ".":
            yield prefix
        elif not child:
            yield (*prefix, key)
        else:
            yield from _walk(child, (*prefix, key))


def key_element(values: Obj) -> str:
    """The path element of a keyed list's element."""
    return "k:" + json.dumps(values, separators=(",", ":"), sort_keys=True)


def value_element(value: Any) -> str:
    """The path element of a set's element."""
    return "v:" + json.dumps(value, separators=(",", ":"))


def readable(path: Path) -> str:
    """A path as conflict messages print it: `.spec.template.spec.containers[name="app"].image`."""
    text = ""
    for element in path:
        kind, _, rest = element.partition(":")
        if kind == "f":
            text += f".{rest}"
        elif kind == "k":
            text += "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items()) + "]"
        else:
            text += f"[={rest}]"
    return text


def prefixes(paths: Iterable[Path]) -> FieldSet:
    """The paths together with everything above them."""
    return frozenset(path[:length] for path in paths for length in range(1, len(path) + 1))
