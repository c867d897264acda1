"""Records of sources and builds.

| access pattern | pk                    | sk     |
| -------------- | --------------------- | ------ |
| one source     | TEAM#<t>#SOURCE#<id>  | SOURCE |
| one build      | TEAM#<t>#BUILD#<id>   | BUILD  |
"""

from __future__ import annotations

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.platform.packed import RepackedAttribute
from chalicelib.platform.table import Record

SOURCE = "SOURCE"
BUILD = "BUILD"


def source_pk(team: str, source: str) -> str:
    """Partition of one source."""
    return f"TEAM#{team}#SOURCE#{source}"


def build_pk(team: str, build: str) -> str:
    """Partition of one build."""
    return f"TEAM#{team}#BUILD#{build}"


def source_key(team: str, source: str) -> str:
    """Where a source's bytes are in the bucket."""
    return f"{team}/sources/{source}.tar.gz"


class SourceRecord(Record):
    """An uploaded archive; the bytes are in the bucket. One that was uploaded for one service alone names it."""

    id = UnicodeAttribute()
    project = UnicodeAttribute()
    environment = UnicodeAttribute(null=True)
    service = UnicodeAttribute(null=True)
    sha256 = UnicodeAttribute()
    size = NumberAttribute()
    created_at = UTCDateTimeAttribute()


class BuildRecord(Record):
    """A build from source to image. `token` answers the workflow that waits for it."""

    id = UnicodeAttribute()
    team = UnicodeAttribute()
    project = UnicodeAttribute()
    service = UnicodeAttribute()
    source = UnicodeAttribute()
    state = UnicodeAttribute()
    spec = RepackedAttribute(null=True)
    command = JSONAttribute(null=True)
    job = UnicodeAttribute(null=True)
    token = UnicodeAttribute(null=True)
    request = UnicodeAttribute(null=True)
    image = UnicodeAttribute(null=True)
    error = UnicodeAttribute(null=True)
    error_code = UnicodeAttribute(null=True)
    started_at = UTCDateTimeAttribute()
    ended_at = UTCDateTimeAttribute(null=True)
