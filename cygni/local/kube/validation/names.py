"""What names, labels and annotations may look like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cygni.local.kube.errors import Cause, forbidden_field, invalid_value, required, too_long
from cygni.local.kube.objects import Obj

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SERVICE = r"[a-z]([-a-z0-9]*[a-z0-9])?"
_QUALIFIED = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_PATH_SEGMENT = r"[^/%]+"

_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character"
)
_LABEL_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', "
    "and must start and end with an alphanumeric character"
)
_SERVICE_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
    "start with an alphabetic character, and end with an alphanumeric character"
)
_LABELS = frozenset({"namespaces"})
_FREE = frozenset({"roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io",
                   "clusterroles.rbac.authorization.k8s.io", "clusterrolebindings.rbac.authorization.k8s.io"})  # fmt: skip
_ANNOTATIONS_LIMIT = 256 * 1024


def name_faults(key: str, name: str, field: str) -> Iterator[Cause]:
    """What is wrong with the name of an object of a resource."""
    if key in _FREE:
        if not re.fullmatch(_PATH_SEGMENT, name) or name in {".", ".."}:
            yield invalid_value(field, name, "may not contain '/' or '%'")
        return
    pattern, limit, rule = (_SUBDOMAIN, 253, _SUBDOMAIN_RULE)
    if key == "services":
        pattern, limit, rule = (_SERVICE, 63, _SERVICE_RULE)
    elif key in _LABELS:
        pattern, limit, rule = (_LABEL, 63, _LABEL_RULE)
    if len(name) > limit:
        yield invalid_value(field, name, f"must be no more than {limit} characters")
    if not re.fullmatch(pattern, name):
        yield invalid_value(field, name, f"{rule} (regex used for validation is '{pattern}')")


def label_name_faults(name: str, field: str) -> Iterator[Cause]:
    """What is wrong with a name that has to be one DNS label, such as a container's."""
    if not name:
        yield required(field)
    elif len(name) > 63 or not re.fullmatch(_LABEL, name):
        yield invalid_value(field, name, f"{_LABEL_RULE} (regex used for validation is '{_LABEL}')")


def qualified_faults(key: str, field: str) -> Iterator[Cause]:
    """What is wrong with the key of a label or annotation: `[prefix/]name`."""
    prefix, slash, name = key.rpartition("/")
    if slash and not re.fullmatch(_SUBDOMAIN, prefix):
        yield invalid_value(field, key, "prefix part " + _SUBDOMAIN_RULE)
    if len(name) > 63:
        yield invalid_value(field, key, "name part must be no more than 63 characters")
    if not re.fullmatch(_QUALIFIED, name):
        yield invalid_value(
            field, key,
            "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
            f"character (regex used for validation is '{_QUALIFIED}')",
        )  # fmt: skip


def label_faults(labels: Obj | None, field: str) -> Iterator[Cause]:
    """What is wrong with a map of labels."""
    for key, value in (labels or {}).items():
        yield from qualified_faults(key, field)
        if len(str(value)) > 63:
            yield invalid_value(field, value, "must be no more than 63 characters")
        if not re.fullmatch(_VALUE, str(value)):
            yield invalid_value(
                field, value,
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start "
                f"and end with an alphanumeric character (regex used for validation is '{_VALUE}')",
            )  # fmt: skip


def metadata_faults(key: str, obj: Obj) -> Iterator[Cause]:
    """What is wrong with an object's metadata."""
    metadata = obj["metadata"]
    name = metadata.get("name") or ""
    if not name:
        yield required("metadata.name", "name or generateName is required")
    else:
        yield from name_faults(key, name, "metadata.name")
    yield from label_faults(metadata.get("labels"), "metadata.labels")
    annotations = metadata.get("annotations") or {}
    for annotation in annotations:
        yield from qualified_faults(annotation.lower(), "metadata.annotations")
    if sum(len(k) + len(str(v)) for k, v in annotations.items()) > _ANNOTATIONS_LIMIT:
        yield too_long("metadata.annotations", _ANNOTATIONS_LIMIT)
    for index, finalizer in enumerate(metadata.get("finalizers") or []):
        yield from qualified_faults(finalizer, f"metadata.finalizers[{index}]")
    yield from _owner_faults(metadata.get("ownerReferences") or [])


def _owner_faults(owners: list[Obj]) -> Iterator[Cause]:
    for index, owner in enumerate(owners):
        for field in ("apiVersion", "kind", "name", "uid"):
            if not owner.get(field):
                yield required(f"metadata.ownerReferences[{index}].{field}", f"{field} must not be empty")
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        yield forbidden_field("metadata.ownerReferences", "Only one reference can have Controller set to true")
