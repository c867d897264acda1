"""Regenerates the schema data that this package carries, from the documents that the Kubernetes projects publish.

`python -m cygni.local.kube.schema.compact OPENAPI_V3_DIR GATEWAY_CRD_DIR PROTO_DIR…` reads `api__v1_openapi.json`, … of a
Kubernetes release, the `gateway.networking.k8s.io_*.yaml` of a Gateway API release and the `generated.proto` files of the
Kubernetes API modules, and writes `builtin.json`, `gateway.json` and `protobuf.json` beside this file. Prose is dropped and
only what the served kinds reach is kept: what stays are names, types, list keys, rules and field numbers.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCUMENTS = (
    "api__v1", "apis__apps__v1", "apis__discovery.k8s.io__v1", "apis__autoscaling__v2", "apis__autoscaling__v1",
    "apis__networking.k8s.io__v1", "apis__policy__v1", "apis__batch__v1", "apis__coordination.k8s.io__v1",
    "apis__apiextensions.k8s.io__v1", "apis__authorization.k8s.io__v1", "apis__rbac.authorization.k8s.io__v1",
)  # fmt: skip
KINDS = (
    "core.v1.Namespace", "core.v1.Pod", "core.v1.Service", "core.v1.Endpoints", "core.v1.ConfigMap", "core.v1.Secret",
    "core.v1.Event", "core.v1.Node", "core.v1.ServiceAccount", "core.v1.ResourceQuota", "core.v1.LimitRange", "core.v1.Binding",
    "core.v1.PersistentVolumeClaim", "apps.v1.Deployment", "apps.v1.ReplicaSet", "discovery.v1.EndpointSlice",
    "autoscaling.v2.HorizontalPodAutoscaler", "autoscaling.v1.Scale", "networking.v1.NetworkPolicy", "policy.v1.Eviction",
    "policy.v1.PodDisruptionBudget", "batch.v1.Job", "coordination.v1.Lease", "authorization.v1.SelfSubjectAccessReview",
    "apps.v1.StatefulSet", "apps.v1.DaemonSet",
    "rbac.v1.Role", "rbac.v1.RoleBinding", "rbac.v1.ClusterRole", "rbac.v1.ClusterRoleBinding",
)  # fmt: skip
CRD = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition"
GATEWAY_KINDS = ("gatewayclasses", "gateways", "httproutes")
KEEP = frozenset({
    "type", "format", "properties", "items", "additionalProperties", "required", "enum", "default", "nullable", "$ref", "allOf",
    "anyOf", "oneOf", "not", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties", "uniqueItems", "multipleOf",
})  # fmt: skip
PREFIX = "#/components/schemas/"


def compact(node: dict[str, Any], *, custom: bool = False) -> dict[str, Any]:
    """Drop prose from a schema and name a `$ref` by its definition's own name.

    A custom resource keeps its empty defaults: the API server fills them in, and rules read them.
    """
    kept: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {name: compact(child, custom=custom) for name, child in value.items()}
        elif key in {"items", "not", "additionalProperties"} and isinstance(value, dict):
            kept[key] = compact(value, custom=custom)
        elif key in {"allOf", "anyOf", "oneOf"}:
            kept[key] = [compact(child, custom=custom) for child in value]
        elif key == "$ref":
            kept[key] = value.removeprefix(PREFIX)
        elif key in KEEP or key.startswith("x-kubernetes-"):
            kept[key] = value
    return kept if custom else _flatten(kept)


def _flatten(node: dict[str, Any]) -> dict[str, Any]:
    """`allOf: [{$ref}]` says no more than `$ref`; `default: {}` says nothing for an object."""
    branches = node.get("allOf")
    if branches and len(branches) == 1 and "$ref" in branches[0]:
        node = {**{key: value for key, value in node.items() if key != "allOf"}, **branches[0]}
    return {key: value for key, value in node.items() if not (key == "default" and value in ({}, ""))}


def references(node: Any) -> Iterator[str]:
    """Every definition that a schema names, however deep."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for child in node.values():
            yield from references(child)
    elif isinstance(node, list):
        for child in node:
            yield from references(child)


def builtin(folder: Path) -> dict[str, Any]:
    """Name → schema of every definition that the served built-in kinds reach."""
    known: dict[str, Any] = {}
    for document in DOCUMENTS:
        known |= json.loads((folder / f"{document}_openapi.json").read_text())["components"]["schemas"]
    wanted = [f"io.k8s.api.{kind}" for kind in KINDS] + [CRD]
    reached: dict[str, Any] = {}
    while wanted:
        name = wanted.pop()
        if name not in reached:
            reached[name] = compact(known[name])
            wanted.extend(references(reached[name]))
    return dict(sorted(reached.items()))


def gateway(folder: Path) -> list[dict[str, Any]]:
    """The Gateway API's CustomResourceDefinitions, version v1 only, without prose."""
    import yaml

    found = []
    for plural in GATEWAY_KINDS:
        crd = yaml.safe_load((folder / f"gateway.networking.k8s.io_{plural}.yaml").read_text())
        versions = [version for version in crd["spec"]["versions"] if version["name"] == "v1"]
        for version in versions:
            version["schema"] = {"openAPIV3Schema": compact(version["schema"]["openAPIV3Schema"], custom=True)}
            for column in version.get("additionalPrinterColumns", []):
                column.pop("description", None)
            version["storage"] = True
        crd["spec"]["versions"] = versions
        annotations = {
            key: value for key, value in crd["metadata"]["annotations"].items() if "gateway" in key or "approved" in key
        }
        found.append({
            "apiVersion": crd["apiVersion"],
            "kind": crd["kind"],
            "metadata": {"name": crd["metadata"]["name"], "annotations": annotations},
            "spec": crd["spec"],
        })  # fmt: skip
    return found


_MESSAGE = re.compile(r"^message (\w+) \{$(.*?)^\}$", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(
    r"^\s*(?:(optional|repeated|required)\s+)?(?:map<\w+,\s*([\w.]+)>|([\w.]+))\s+(\w+)\s*=\s*(\d+);", re.MULTILINE
)
_PROTO_SCALARS = frozenset({"string", "bytes", "bool", "int32", "int64", "double"})


def protobuf(folders: list[Path], wanted: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Definition → field number → [JSON name, "" if its fields stand in the parent; one, list or map; type]."""
    messages: dict[str, tuple[str, str]] = {}
    for path in (path for folder in folders for path in folder.rglob("generated.proto")):
        text = path.read_text()
        package = re.search(r"^package ([\w.]+);", text, re.MULTILINE)
        prefix = package[1] if package else ""
        messages |= {_definition_name(f"{prefix}.{name}"): (prefix, body) for name, body in _MESSAGE.findall(text)}
    queue = [name for name in wanted if "apiextensions" not in name]
    found: dict[str, dict[str, list[str]]] = {}
    while queue:
        name = queue.pop()
        prefix, body = messages[name]
        found[name] = dict(_proto_fields(body, prefix, wanted.get(name, {})))
        queue.extend(kind for field, _, kind in found[name].values() if not field and kind not in found)
    return dict(sorted(found.items()))


def _definition_name(message: str) -> str:
    return "io.k8s." + message.lstrip(".").removeprefix("k8s.io.")


def _proto_fields(body: str, prefix: str, schema: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    known = schema.get("properties")
    for label, map_value, plain, name, number in _FIELD.findall(body):
        kind = map_value or plain
        if kind not in _PROTO_SCALARS:
            kind = _definition_name(kind if "." in kind else f"{prefix}.{kind}")
        shape = "map" if map_value else "list" if label == "repeated" else "one"
        inline = known is not None and name not in known and kind not in _PROTO_SCALARS
        yield number, ["" if inline else name, shape, kind]


def main(arguments: list[str]) -> None:
    """Write both files beside this module."""
    here = Path(__file__).parent
    definitions = builtin(Path(arguments[0]))
    messages = protobuf([Path(argument) for argument in arguments[2:]], definitions)
    data = {"builtin.json": definitions, "gateway.json": gateway(Path(arguments[1])), "protobuf.json": messages}
    for name, content in data.items():
        (here / name).write_text(json.dumps(content, separators=(",", ":"), sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
