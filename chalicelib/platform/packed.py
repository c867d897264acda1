"""An attribute for what only code reads: JSON, compressed, since a write is billed by the KiB."""

from __future__ import annotations

import json
import zlib
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.constants import BINARY, STRING

_RAW = -15
"""Deflate without zlib's header and checksum: the store keeps its own."""


class PackedAttribute(Attribute[Any]):
    """Any JSON-able value as compressed bytes. Equal values have equal bytes."""

    attr_type = BINARY

    def serialize(self, value: Any) -> bytes:
        text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
        return zlib.compress(text.encode(), 9, wbits=_RAW)

    def deserialize(self, value: bytes) -> Any:
        return json.loads(zlib.decompress(value, wbits=_RAW))


class RepackedAttribute(PackedAttribute):
    """The same, for what an older version wrote as JSON text: that is still read, and packed with its next change."""

    formerly = STRING

    def deserialize(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else super().deserialize(value)
