"""All migrations, in order. One that was released is never changed, renamed or renumbered; it goes two releases later.

They are data on records as DynamoDB has them and import no context: what a migration says of a record must stay true when the
record's model has moved on. `tests/chalicelib/upgrades/test_migrations.py` holds each of them to the rules.
"""

from __future__ import annotations

import json

from chalicelib.platform.packing import pack, unpack
from chalicelib.upgrades.rules import Cells, Migration, Phase


def _has_spec(pk: str, sk: str) -> bool:
    """Releases and builds: a release never changes, so that what it was written as would stay for ever."""
    return ("#RELEASES#" in pk and sk.startswith("RELEASE#")) or ("#BUILD#" in pk and sk == "BUILD")


def _packed(record: Cells) -> Cells:
    text = record.get("spec", {}).get("S")
    return record if text is None else {**record, "spec": {"B": pack(json.loads(text))}}


def _as_text(record: Cells) -> Cells:
    packed = record.get("spec", {}).get("B")
    if packed is None:
        return record
    return {**record, "spec": {"S": json.dumps(unpack(bytes(packed)), separators=(",", ":"), sort_keys=True)}}


MIGRATIONS = (
    Migration(
        "0001-pack-specs",
        "Packs the specs of releases and builds that were written as JSON text.",
        Phase.AFTER,
        _has_spec,
        _packed,
        _as_text,
    ),
)


def names(phase: Phase) -> list[str]:
    """Names of a phase's migrations, in order."""
    return [each.name for each in MIGRATIONS if each.phase is phase]
