"""Each migration that is declared: there and back, twice, and read by today's models in both shapes."""

from __future__ import annotations

import json
import re

import pytest

from chalicelib.builds.models import BuildRecord
from chalicelib.deployments.models import ReleaseRecord
from chalicelib.platform.packing import pack
from chalicelib.platform.table import unpack
from chalicelib.upgrades.migrations import MIGRATIONS
from chalicelib.upgrades.rules import Cells, Migration, difference

SPEC = {"port": 8080, "scale": {"min": 1}}
WRITTEN: dict[str, list[Cells]] = {
    "0001-pack-specs": [
        {
            "pk": {"S": "TEAM#t#RELEASES#p#e#s"},
            "sk": {"S": "RELEASE#000001"},
            "number": {"N": "1"},
            "spec": {"S": json.dumps(SPEC)},
        },
        {
            "pk": {"S": "TEAM#t#RELEASES#p#e#s"},
            "sk": {"S": "RELEASE#000002"},
            "number": {"N": "2"},
            "spec": {"B": pack(SPEC)},
        },
        {"pk": {"S": "TEAM#t#BUILD#b"}, "sk": {"S": "BUILD"}, "id": {"S": "b"}, "spec": {"S": json.dumps(SPEC)}},
        {"pk": {"S": "TEAM#t#BUILD#b"}, "sk": {"S": "BUILD"}, "id": {"S": "b"}},
    ]
}
"""By migration: records in every shape that it may meet."""


def read(record: Cells) -> object:
    """The spec, as today's code reads it."""
    model = ReleaseRecord if "RELEASES" in record["pk"]["S"] else BuildRecord
    return unpack(model, record).spec


def test_names_are_numbered_in_order_and_none_is_there_twice() -> None:
    names = [each.name for each in MIGRATIONS]

    assert names == sorted(set(names))
    assert all(re.fullmatch(r"\d{4}-[a-z0-9-]{3,40}", name) for name in names)


def test_each_has_records_to_be_tried_with() -> None:
    assert set(WRITTEN) == {each.name for each in MIGRATIONS}
    assert all(each.concerns(record["pk"]["S"], record["sk"]["S"]) for each in MIGRATIONS for record in WRITTEN[each.name])


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda each: each.name)
def test_doing_it_twice_is_doing_it_once_and_it_can_be_taken_back(migration: Migration) -> None:
    for record in WRITTEN[migration.name]:
        up = migration.up(record)
        down = migration.down(up)

        assert migration.up(up) == up
        assert migration.down(down) == down
        assert migration.up(down) == up
        difference(record, up), difference(up, down)  # which refuse what none may change


def test_specs_are_read_alike_in_both_shapes() -> None:
    (migration,) = [each for each in MIGRATIONS if each.name == "0001-pack-specs"]

    for record in WRITTEN[migration.name]:
        up = migration.up(record)

        assert set(up.get("spec", {"B": b""})) == {"B"}
        assert read(record) == read(up) == read(migration.down(up))


@pytest.mark.parametrize(("pk", "sk"), [("TEAM#t", "PROJECT#p"), ("TEAM#t#CONFIG#p#e#s", "HEAD"), ("TEAM#t#BUILDS", "BUILD")])
def test_other_records_are_none_of_its_concern(pk: str, sk: str) -> None:
    assert not MIGRATIONS[0].concerns(pk, sk)
