"""How values are packed in records: JSON, compressed. A format: what is stored must be read for ever."""

from __future__ import annotations

import json
import zlib
from typing import Any

_RAW = -15
"""Deflate without zlib's header and checksum: the store keeps its own."""


def pack(value: Any) -> bytes:
    """A JSON-able value as bytes. Equal values have equal bytes."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)
    return zlib.compress(text.encode(), 9, wbits=_RAW)


def unpack(packed: bytes) -> Any:
    """The value. Raises zlib.error or ValueError for bytes that `pack` did not make."""
    return json.loads(zlib.decompress(packed, wbits=_RAW))
