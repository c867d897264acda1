"""Records of evidence.

| access pattern           | pk                          | sk                      |
| ------------------------ | --------------------------- | ----------------------- |
| a deployment's evidence  | TEAM#<t>#DEPLOYMENT#<id>    | begins with EVIDENCE#   |
"""

from __future__ import annotations

from chalicelib.platform.packed import PackedAttribute
from chalicelib.platform.table import Record

PREFIX = "EVIDENCE#"


def evidence_pk(team: str, deployment: str) -> str:
    """Partition of a deployment's evidence."""
    return f"TEAM#{team}#DEPLOYMENT#{deployment}"


class EvidenceRecord(Record):
    """One analysis, compressed: histograms repeat themselves, and a write is billed by the KiB."""

    data = PackedAttribute()
