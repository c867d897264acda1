"""Reads objects in Kubernetes' protobuf encoding, in which `kubectl create namespace` and the like send them. Answers are JSON.

Protobuf writes fields that JSON leaves out, since they hold nothing: empty text, and zeros. They are dropped here, except where
a zero is a wish of its own (`replicas: 0`).
"""

from __future__ import annotations

import base64
import datetime
import json
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cygni.local.kube.errors import bad_request
from cygni.local.kube.objects import Obj
from cygni.local.kube.schema.tree import definitions, messages

PREFIX = b"k8s\x00"
_META = "io.k8s.apimachinery.pkg."
_MEANT_ZEROS = frozenset({
    "replicas", "minReplicas", "revisionHistoryLimit", "terminationGracePeriodSeconds", "gracePeriodSeconds",
    "defaultMode", "mode", "backoffLimit", "parallelism", "completions", "partition", "runAsUser", "runAsGroup",
    "fsGroup", "tolerationSeconds", "ttlSecondsAfterFinished", "automountServiceAccountToken", "enableServiceLinks",
    "optional", "immutable", "runAsNonRoot", "readOnlyRootFilesystem", "privileged", "allowPrivilegeEscalation",
    "suspend", "controller", "blockOwnerDeletion",
})  # fmt: skip


def decode(raw: bytes) -> Obj:
    """The object of a request body that starts with PREFIX; 400 if it cannot be read."""
    try:
        envelope = dict(_fields(raw[len(PREFIX) :]))
        kind = {number: value.decode() for number, value in _fields(envelope[1])}
        name = _definition(kind[1], kind[2])
        return {"apiVersion": kind[1], "kind": kind[2], **_message(envelope.get(2, b""), name)}
    except (LookupError, ValueError, AttributeError, TypeError, OverflowError, OSError, struct.error) as error:
        raise bad_request(f"the protobuf body cannot be read: {type(error).__name__}: {error}") from error


def _definition(api_version: str, kind: str) -> str:
    group, _, version = api_version.rpartition("/")
    wanted = {"group": group, "version": version, "kind": kind}
    for name in messages():
        if wanted in definitions().get(name, {}).get("x-kubernetes-group-version-kind", ()):
            return name
    raise ValueError(f"{kind} of {api_version} is not known")


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    """(number, value) of a message: numbers for scalars, bytes for everything else."""
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        number, wire = tag >> 3, tag & 7
        if wire == 0:
            value, position = _varint(raw, position)
            yield number, value
        elif wire == 1:
            yield number, struct.unpack_from("<d", raw, position)[0]
            position += 8
        elif wire == 2:
            length, position = _varint(raw, position)
            if position + length > len(raw):
                raise ValueError("a field is longer than the message")
            yield number, raw[position : position + length]
            position += length
        else:
            raise ValueError(f"wire type {wire} is not known")


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _message(raw: bytes, name: str) -> Obj:
    declared = messages()[name]
    obj: Obj = {}
    for number, value in _fields(raw):
        if str(number) not in declared:
            continue
        field, shape, kind = declared[str(number)]
        if shape == "map":
            entry = dict(_fields(value))
            obj.setdefault(field, {})[entry.get(1, b"").decode()] = _value(entry.get(2, b""), kind)
        elif shape == "list":
            obj.setdefault(field, []).append(_value(value, kind))
        elif not field:
            obj |= _message(value, kind)
        else:
            decoded = _value(value, kind)
            if decoded not in ("", None) and (decoded != 0 or field in _MEANT_ZEROS or isinstance(decoded, dict)):
                obj[field] = decoded
    return obj


def _value(value: Any, kind: str) -> Any:
    if kind in _READERS:
        return _READERS[kind](value)
    return _message(value, kind)


def _integer(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _time(raw: bytes) -> str | None:
    parts = dict(_fields(raw))
    if not parts:
        return None
    moment = datetime.datetime.fromtimestamp(_integer(parts.get(1, 0)), datetime.UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _micro_time(raw: bytes) -> str | None:
    whole = _time(raw)
    return whole and f"{whole[:-1]}.{dict(_fields(raw)).get(2, 0) // 1000:06d}Z"


def _int_or_string(raw: bytes) -> int | str:
    parts = dict(_fields(raw))
    return str(parts.get(3, b"").decode()) if parts.get(1) else _integer(parts.get(2, 0))


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "string": bytes.decode,
    "bytes": lambda value: base64.b64encode(value).decode(),
    "bool": bool,
    "int32": _integer,
    "int64": _integer,
    "double": float,
    _META + "apis.meta.v1.Time": _time,
    _META + "apis.meta.v1.MicroTime": _micro_time,
    _META + "api.resource.Quantity": lambda raw: dict(_fields(raw)).get(1, b"0").decode(),
    _META + "util.intstr.IntOrString": _int_or_string,
    _META + "apis.meta.v1.FieldsV1": lambda raw: json.loads(dict(_fields(raw)).get(1, b"{}")),
}
