"""Field managers: who owns what of an object, kept in metadata.managedFields.

Rules, as Kubernetes has them: an applier owns what its configuration names; applying takes away what it named last time and
names no longer, unless another owns it; applying a different value to a field of another manager is a conflict unless forced;
a plain update owns what it changed, and takes it from everybody else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cygni.local.kube.apply.fieldset import EMPTY, FieldSet, Path, from_fields_v1, prefixes, readable, to_fields_v1
from cygni.local.kube.apply.typed import compare, field_set, merge, remove
from cygni.local.kube.errors import ApiError, Cause, apply_conflict
from cygni.local.kube.objects import Obj, deep_copy
from cygni.local.kube.schema.tree import Schema

_NEVER_OWNED = frozenset({
    "name", "namespace", "creationTimestamp", "selfLink", "uid", "generation", "managedFields", "resourceVersion",
    "deletionTimestamp", "deletionGracePeriodSeconds",
})  # fmt: skip


@dataclass(frozen=True, order=True)
class Manager:
    """The identity of an entry. Entries of one manager differ by operation, version and subresource."""

    operation: str
    name: str
    api_version: str
    subresource: str = ""


@dataclass
class Entry:
    """What a manager owns, and since when."""

    fields: FieldSet
    time: str


Entries = dict[Manager, Entry]


def decode(obj: Obj) -> Entries:
    """The entries of metadata.managedFields; entries that cannot be read are left out."""
    entries: Entries = {}
    for raw in obj["metadata"].get("managedFields") or []:
        if raw.get("operation") in {"Apply", "Update"} and isinstance(raw.get("fieldsV1"), dict):
            manager = Manager(raw["operation"], raw.get("manager", ""), raw.get("apiVersion", ""), raw.get("subresource", ""))
            entries[manager] = Entry(from_fields_v1(raw["fieldsV1"]), raw.get("time", ""))
    return entries


def encode(entries: Entries) -> list[Obj]:
    """The wire form: appliers first, then by time."""
    ordered = sorted(entries.items(), key=lambda pair: (pair[0].operation, pair[1].time, pair[0].name, pair[0].subresource))
    return [
        {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": manager.api_version,
            **({"time": entry.time} if entry.time else {}),
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(entry.fields),
            **({"subresource": manager.subresource} if manager.subresource else {}),
        }
        for manager, entry in ordered
    ]


def _strip(paths: FieldSet, hidden: frozenset[str]) -> FieldSet:
    """Leave out what no manager may own: identity, and the half of the object that the endpoint does not write."""

    def is_owned(path: Path) -> bool:
        if path[0] in {"f:apiVersion", "f:kind"} or path[0] in hidden:
            return False
        return path != ("f:metadata",) and not (path[0] == "f:metadata" and path[1][2:] in _NEVER_OWNED)

    return frozenset(path for path in paths if is_owned(path))


def track_update(old: Obj, new: Obj, schema: Schema, manager: Manager, now: str, hidden: frozenset[str]) -> None:
    """Write into `new` who owns what after a plain create, update or patch. `hidden`: top fields such as `f:status`.

    For a create `old` is what every object of the kind has from the start, which nobody comes to own.
    """
    given = new["metadata"].get("managedFields")
    if old["metadata"].get("uid") and not given and not old["metadata"].get("managedFields"):
        new["metadata"].pop("managedFields", None)  # nobody was tracked so far; the first apply starts it
        return
    entries = decode(new if given else old)
    change = compare(_plain(old), _plain(new), schema)
    touched = _strip(change.added | change.modified | change.removed, hidden)
    gained = _strip(change.added | change.modified, hidden)
    kept: Entries = {}
    for other, entry in entries.items():
        fields = entry.fields - (touched if other != manager else change.removed)
        if fields:
            kept[other] = Entry(fields, entry.time)
    mine = kept.get(manager, Entry(EMPTY, now))
    if gained - mine.fields:
        kept[manager] = Entry(mine.fields | gained, now)
    _store(new, kept)


def _plain(obj: Obj) -> Obj:
    metadata = {key: value for key, value in obj["metadata"].items() if key not in _NEVER_OWNED}
    return {**obj, "metadata": metadata}


def _store(obj: Obj, entries: Entries) -> None:
    if entries:
        obj["metadata"]["managedFields"] = encode(entries)
    else:
        obj["metadata"].pop("managedFields", None)


def apply(
    live: Obj, config: Obj, schema: Schema, manager: Manager, now: str, *, force: bool, hidden: frozenset[str] = frozenset()
) -> Obj:
    """The live object with the configuration applied; 409 with one cause for each field that others own."""
    entries = decode(live) or _before_first_apply(live, schema, manager, now, hidden)
    last = entries.get(manager)
    applied = _strip(frozenset(field_set(config, schema)), hidden)
    visible = {"metadata": {}, **{key: value for key, value in config.items() if f"f:{key}" not in hidden}}
    merged = merge(_plain(live), _plain(visible), schema)
    owned_by_others = {other: entry for other, entry in entries.items() if other != manager}
    if last is not None:
        merged = _prune(merged, last.fields, [applied, *(entry.fields for entry in owned_by_others.values())], schema)
    change = compare(_plain(live), merged, schema)
    contested = change.added | change.modified
    conflicts = {other: entry.fields & contested for other, entry in owned_by_others.items() if entry.fields & contested}
    if conflicts and not force:
        raise _conflict(conflicts)
    kept = {other: Entry(entry.fields - contested - change.removed, entry.time) for other, entry in owned_by_others.items()}
    kept = {other: entry for other, entry in kept.items() if entry.fields}
    unchanged = last is not None and last.fields == applied and live_equals(live, merged)
    if applied:
        kept[manager] = Entry(applied, last.time if unchanged and last else now)
    result = {**merged, "metadata": {**deep_copy(live["metadata"]), **_visible_metadata(merged, live)}}
    for key in set(live["metadata"]) - set(merged["metadata"]) - _NEVER_OWNED:
        result["metadata"].pop(key, None)
    _store(result, kept)
    return result


def _before_first_apply(live: Obj, schema: Schema, manager: Manager, now: str, hidden: frozenset[str]) -> Entries:
    """An object that nobody was tracked on belongs to everybody who wrote it before."""
    nothing: Obj = {"metadata": {}, "spec": {}, "status": {}}
    fields = _strip(compare(nothing, _plain(live), schema).added, hidden) if live["metadata"].get("uid") else EMPTY
    return {Manager("Update", "before-first-apply", manager.api_version): Entry(fields, now)} if fields else {}


def live_equals(live: Obj, merged: Obj) -> bool:
    """Whether applying would change nothing but managers."""
    return _plain(live) == merged


def _visible_metadata(merged: Obj, live: Obj) -> Obj:
    identity = {key: value for key, value in live["metadata"].items() if key in _NEVER_OWNED}
    return {**merged.get("metadata", {}), **identity}


def _with_named_fields(fields: FieldSet) -> FieldSet:
    """The paths together with the fields above them: who owns something in a field holds the field, but not the element of
    a list."""
    return fields | {path for path in prefixes(fields) if path[-1].startswith("f:")}


def _prune(merged: Obj, last: FieldSet, owned: list[FieldSet], schema: Schema) -> Obj:
    """Remove what was named last time (`last`), with what grew in it since, except what somebody owns now."""
    held = _with_named_fields(frozenset(path for fields in owned for path in fields))
    pruned: Any = remove(merged, _with_named_fields(last) - held, schema)
    result: Obj = pruned or {}
    return {**result, "metadata": result.get("metadata") or {}}


def _conflict(conflicts: dict[Manager, FieldSet]) -> ApiError:
    causes: list[Cause] = []
    names: list[str] = []
    for manager, paths in sorted(conflicts.items()):
        label = f'"{manager.name}"'
        if manager.subresource:
            label += f' with subresource "{manager.subresource}"'
        if manager.operation == "Update":
            label += f" using {manager.api_version}"
        for path in sorted(paths):
            causes.append(Cause(readable(path), f"conflict with {label}", "FieldManagerConflict"))
            names.append(label)
    return apply_conflict(causes, names)
