"""Small helpers for Kubernetes objects, which are plain JSON dictionaries everywhere in this package.

An object that came out of the store is shared by all readers: whoever changes one makes a `deep_copy` first.
"""

from __future__ import annotations

import copy
import datetime
import json
import re
from typing import Any

Obj = dict[str, Any]

_SUFFIXES = {
    "": 1000, "m": 1, "k": 1000 * 10**3, "M": 1000 * 10**6, "G": 1000 * 10**9, "T": 1000 * 10**12, "P": 1000 * 10**15,
    "E": 1000 * 10**18, "Ki": 1000 * 2**10, "Mi": 1000 * 2**20, "Gi": 1000 * 2**30, "Ti": 1000 * 2**40, "Pi": 1000 * 2**50,
    "Ei": 1000 * 2**60, "n": 1e-6, "u": 1e-3,
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|([KMGTPE]i|[numkMGTPE]))?")


def deep_copy(value: Any) -> Any:
    """A copy that shares nothing with the original; faster than `copy.deepcopy` for JSON."""
    if isinstance(value, dict):
        return {key: deep_copy(child) for key, child in value.items()}
    if isinstance(value, list):
        return [deep_copy(child) for child in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else copy.deepcopy(value)


def encode(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def now() -> str:
    """The current time as Kubernetes writes it: RFC 3339 in UTC, whole seconds."""
    return timestamp(datetime.datetime.now(datetime.UTC))


def timestamp(moment: datetime.datetime) -> str:
    """A moment as Kubernetes writes it: RFC 3339 in UTC, whole seconds."""
    return moment.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime.datetime:
    """An RFC 3339 time, with or without fractions of a second; ValueError if it is none."""
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def get_path(value: Any, *path: str | int, default: Any = None) -> Any:
    """The value at a path of keys and indexes, or the default where any step is missing or null."""
    for step in path:
        if isinstance(value, dict) and step in value:  # noqa: SIM114 - two types, each narrowed by its own test
            value = value[step]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return default
    return default if value is None else value


def name_of(obj: Obj) -> str:
    """metadata.name"""
    return str(obj["metadata"].get("name", ""))


def namespace_of(obj: Obj) -> str:
    """metadata.namespace, empty for a cluster-scoped object."""
    return str(obj["metadata"].get("namespace") or "")


def is_deleting(obj: Obj) -> bool:
    """Whether deletion has begun."""
    return bool(obj["metadata"].get("deletionTimestamp"))


def controller_of(obj: Obj) -> Obj | None:
    """The owner reference of the managing controller, if the object has one."""
    owners: list[Obj] = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)


def owner_reference(owner: Obj) -> Obj:
    """The reference by which a controller marks what it made."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def find_condition(obj: Obj, kind: str) -> Obj | None:
    """The status condition of a type, if present."""
    conditions: list[Obj] = get_path(obj, "status", "conditions", default=[])
    return next((condition for condition in conditions if condition.get("type") == kind), None)


def is_pod_ready(pod: Obj) -> bool:
    """Whether the pod's Ready condition is True."""
    condition = find_condition(pod, "Ready")
    return condition is not None and condition.get("status") == "True"


def parse_quantity(text: Any) -> int:
    """A Kubernetes quantity ("250m", "1Gi", 2) in thousandths, rounded up; ValueError if it is none."""
    match = _QUANTITY.fullmatch(str(text))
    if not match:
        raise ValueError(f"quantities must match the regular expression {_QUANTITY.pattern!r}")
    number, exponent, suffix = match.groups()
    value = float(number) * (_SUFFIXES[suffix or ""] if not exponent else 1000 * 10 ** int(exponent[1:]))
    return int(-(-value // 1))
