"""Records of evidence.

| access pattern           | pk                          | sk                      |
| ------------------------ | --------------------------- | ----------------------- |
| a deployment's evidence  | TEAM#<t>#DEPLOYMENT#<id>    | begins with EVIDENCE#   |
"""

from __future__ import annotations

from chalicelib.platform.packed import PackedAttribute
from chalicelib.platform.table import Item, Record

PREFIX = "EVIDENCE#"


def evidence_pk(team: str, deployment: str) -> str:
    """Partition of a deployment's evidence."""
    return f"TEAM#{team}#DEPLOYMENT#{deployment}"


class EvidenceRecord(Item):
    """One analysis, compressed: histograms repeat themselves, and a write is billed by the KiB.

    It has no version: an analysis that was stored when its process died may be stored again, of the same moment.
    """

    class Meta(Record.Meta):
        """The table of all records."""

    data = PackedAttribute()
