"""What a request asks for: the path as a target, the query as options, the body as an object."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from cygni.local.kube.errors import bad_request
from cygni.local.kube.verbs.options import DeleteOptions, WriteOptions
from cygni.local.kube.web import protobuf


@dataclass(frozen=True)
class Target:
    """A path taken apart: `/apis/<group>/<version>[/namespaces/<namespace>]/<plural>[/<name>[/<subresource>]]`."""

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def parse_path(path: str) -> Target | None:
    """The target of a path of the object API, None if it is none (discovery, health, …)."""
    parts = [part for part in path.split("/") if part]
    if parts[:1] == ["api"] and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[:1] == ["apis"] and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        return None
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in {"status", "finalize"}:
        tail = [*rest[2:], "", ""]
        return Target(group, version, tail[0], rest[1], tail[1], "/".join(filter(None, tail[2:])))
    tail = [*rest, "", ""]
    return Target(group, version, tail[0], "", tail[1], "/".join(filter(None, tail[2:])))


class _Loader(yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader):  # type: ignore[misc]
    """YAML as Kubernetes reads it: times stay strings."""


_Loader.yaml_implicit_resolvers = {
    initial: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for initial, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def parse_body(raw: bytes) -> Any:
    """JSON, protobuf, or else YAML; None for an empty body, 400 for anything else."""
    if not raw.strip():
        return None
    if raw.startswith(protobuf.PREFIX):
        return protobuf.decode(raw)
    try:
        return json.loads(raw)
    except ValueError:
        pass
    try:
        return yaml.load(raw, _Loader)  # noqa: S506 - the loader is a safe one
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise bad_request(f"error decoding the body: {error}") from error


def write_options(query: Mapping[str, str], agent: str, *, subresource: str = "", apply: bool = False) -> WriteOptions:
    """The options of a write. The manager of a plain write is the first word of the user agent, as in Kubernetes."""
    manager = query.get("fieldManager", "")
    if apply and not manager:
        raise bad_request('PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch')
    validation = query.get("fieldValidation") or "Warn"
    if validation not in {"Ignore", "Warn", "Strict"}:
        raise bad_request(f"fieldValidation: Unsupported value: {validation!r}")
    return WriteOptions(
        manager=manager or agent.partition("/")[0] or "unknown",
        dry_run=_dry_run(query.getall("dryRun") if hasattr(query, "getall") and "dryRun" in query else []),
        validation=validation,
        subresource=subresource,
        force=query.get("force", "").lower() in {"true", "1"},
    )


def _dry_run(values: Any) -> bool:
    wanted = [values] if isinstance(values, str) else list(values or [])
    if any(value != "All" for value in wanted):
        raise bad_request(f"dryRun: Unsupported value: {wanted!r}: supported values: All")
    return bool(wanted)


def delete_options(query: Mapping[str, str], body: Any) -> DeleteOptions:
    """The options of a delete: those of the body, else those of the query."""
    given: Mapping[str, Any] = body if isinstance(body, dict) else {}
    preconditions = given.get("preconditions") or {}
    grace = given.get("gracePeriodSeconds", query.get("gracePeriodSeconds"))
    propagation = given.get("propagationPolicy") or query.get("propagationPolicy") or ""
    if propagation not in {"", "Background", "Foreground", "Orphan"}:
        raise bad_request(f"propagationPolicy: Unsupported value: {propagation!r}")
    orphan = given.get("orphanDependents", query.get("orphanDependents"))
    if not propagation and orphan is not None:
        propagation = "Orphan" if str(orphan).lower() == "true" else "Background"
    try:
        seconds = None if grace is None else int(grace)
    except (TypeError, ValueError):
        raise bad_request(f"gracePeriodSeconds: Invalid value: {grace!r}") from None
    dry = given.get("dryRun") or ([query["dryRun"]] if query.get("dryRun") else [])
    return DeleteOptions(
        seconds, propagation, preconditions.get("uid") or "", preconditions.get("resourceVersion") or "", _dry_run(dry)
    )
