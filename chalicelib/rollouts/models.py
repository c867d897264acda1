"""Records of evidence.

| access pattern           | pk                          | sk                      |
| ------------------------ | --------------------------- | ----------------------- |
| a deployment's evidence  | TEAM#<t>#DEPLOYMENT#<id>    | begins with EVIDENCE#   |
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from pynamodb.attributes import BinaryAttribute

from chalicelib.platform.table import Record

PREFIX = "EVIDENCE#"


def evidence_pk(team: str, deployment: str) -> str:
    """Partition of a deployment's evidence."""
    return f"TEAM#{team}#DEPLOYMENT#{deployment}"


class EvidenceRecord(Record):
    """One analysis, compressed: histograms repeat themselves, and a write is billed by the KiB."""

    data = BinaryAttribute(legacy_encoding=False)

    @staticmethod
    def pack(value: dict[str, Any]) -> bytes:
        """A JSON-able value as bytes."""
        return zlib.compress(json.dumps(value, separators=(",", ":"), sort_keys=True).encode(), 9)

    @staticmethod
    def unpack(data: bytes) -> dict[str, Any]:
        """The value that `pack` made bytes of."""
        value: dict[str, Any] = json.loads(zlib.decompress(data))
        return value
