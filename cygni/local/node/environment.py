"""The variables and the command line of a container, from the pod, the image and what the pod refers to.

Pure but for `fetch`, by which ConfigMaps and Secrets are read. Nothing of the node's own environment gets in.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Mapping, Sequence

from cygni.local.node import quantities
from cygni.local.node.spec import Container, Object

_REFERENCE = re.compile(r"\$\$|\$\(([^()$\s]+)\)")
_KEYED = re.compile(r"^metadata\.(labels|annotations)\['([^']+)'\]$")
_NAME = re.compile(r"^[^=\0]+$")

Fetch = Callable[[str, str], Object | None]
"""(kind, name) → the ConfigMap or Secret of that name in the pod's namespace, or None when there is none."""


class ConfigMissing(Exception):
    """Something the container refers to is not there; the message is the kubelet's."""


def expand(text: str, variables: Mapping[str, str]) -> str:
    """The text with `$(NAME)` replaced by that variable, where it is known, and `$$` by a dollar."""

    def value(found: re.Match[str]) -> str:
        return "$" if found[0] == "$$" else variables.get(found[1], found[0])

    return _REFERENCE.sub(value, text)


def command_line(
    container: Container, image_command: Sequence[str], variables: Mapping[str, str], entrypoint_args: Sequence[str] = ()
) -> list[str]:
    """The argument vector: the pod's `command` replaces the image's, `args` follow it; both with variables expanded."""
    command = [expand(word, variables) for word in container.command] or list(image_command)
    args = [expand(word, variables) for word in container.args] or list(entrypoint_args)
    return command + args


def variables(container: Container, pod: Object, port: int | None, base: Mapping[str, str], fetch: Fetch) -> dict[str, str]:
    """The container's environment: `base` (the image's and the node's minimum), then envFrom, then env, with PORT as `port`.

    PORT is set before later variables are expanded, so that `$(PORT)` means the host port everywhere. Raises ConfigMissing.
    """
    result = dict(base)
    for source in container.env_from:
        result.update(_from_source(source, fetch))
    if port is not None:
        result["PORT"] = str(port)
    for item in container.env:
        name = item["name"]
        if name == "PORT" and port is not None:
            continue
        value = _value_of(item, container, pod, result, fetch)
        if value is not None:
            result[name] = value
    return result


def declared_port(container: Container) -> str | None:
    """The value the manifest gives the PORT variable, if it does so plainly."""
    return next((item.get("value") for item in container.env if item["name"] == "PORT"), None)


def _from_source(source: Object, fetch: Fetch) -> dict[str, str]:
    prefix = source.get("prefix", "")
    for field, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
        if field in source:
            found = _fetched(kind, source[field], fetch)
            return {prefix + key: value for key, value in (found or {}).items() if _NAME.match(key)}
    return {}


def _fetched(kind: str, ref: Object, fetch: Fetch) -> dict[str, str] | None:
    """The data of a ConfigMap or Secret as text; None when it is absent and may be."""
    found = fetch(kind, ref["name"])
    if found is None:
        if ref.get("optional"):
            return None
        raise ConfigMissing(f'{kind.lower()} "{ref["name"]}" not found')
    data: dict[str, str] = dict(found.get("data") or {})
    if kind == "Secret":
        return {key: base64.b64decode(value or "").decode("utf-8", "surrogateescape") for key, value in data.items()}
    return data


def _value_of(item: Object, container: Container, pod: Object, known: Mapping[str, str], fetch: Fetch) -> str | None:
    source = item.get("valueFrom")
    if not source:
        return expand(item.get("value") or "", known)
    for field, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
        if field in source:
            return _keyed(kind, source[field], pod, fetch)
    if "fieldRef" in source:
        return pod_field(pod, source["fieldRef"]["fieldPath"])
    if "resourceFieldRef" in source:
        return _resource(source["resourceFieldRef"], container)
    raise ConfigMissing(f"variable {item['name']} takes its value from a source this node does not know")


def _keyed(kind: str, ref: Object, pod: Object, fetch: Fetch) -> str | None:
    data = _fetched(kind, ref, fetch)
    if data is not None and ref["key"] in data:
        return data[ref["key"]]
    if ref.get("optional"):
        return None
    raise ConfigMissing(f"couldn't find key {ref['key']} in {kind} {pod['metadata']['namespace']}/{ref['name']}")


def pod_field(pod: Object, path: str) -> str:
    """The value of a downward-API field path. Raises ConfigMissing for a path that no variable may refer to."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    keyed = _KEYED.match(path)
    if keyed:
        return str((meta.get(keyed[1]) or {}).get(keyed[2], ""))
    fields = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName", "default"),
        "status.hostIP": status.get("hostIP", "127.0.0.1"),
        "status.hostIPs": status.get("hostIP", "127.0.0.1"),
        "status.podIP": status.get("podIP", "127.0.0.1"),
        "status.podIPs": status.get("podIP", "127.0.0.1"),
    }
    if path not in fields:
        raise ConfigMissing(f"field {path} cannot be given to a variable")
    return str(fields[path])


def _resource(ref: Object, container: Container) -> str:
    kind, _, name = ref["resource"].partition(".")
    quantity = container.resources.get(kind, {}).get(name, "0")
    divisor = ref.get("divisor") or "1"
    return str(quantities.ceil(quantity, divisor if quantities.parse(divisor) else "1"))
