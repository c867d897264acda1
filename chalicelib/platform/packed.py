"""An attribute for what only code reads: JSON, compressed, since a write is billed by the KiB."""

from __future__ import annotations

import json
from typing import Any

from pynamodb.attributes import Attribute
from pynamodb.constants import BINARY, STRING

from chalicelib.platform.packing import pack, unpack


class PackedAttribute(Attribute[Any]):
    """Any JSON-able value as compressed bytes. Equal values have equal bytes."""

    attr_type = BINARY

    def serialize(self, value: Any) -> bytes:
        return pack(value)

    def deserialize(self, value: bytes) -> Any:
        return unpack(value)


class RepackedAttribute(PackedAttribute):
    """The same, for what an older version wrote as JSON text: that is still read, and packed with its next change."""

    formerly = STRING

    def deserialize(self, value: Any) -> Any:
        return json.loads(value) if isinstance(value, str) else super().deserialize(value)
