"""Records of migrations.

| access pattern | pk                      | sk                     | kept true by |
| -------------- | ----------------------- | ---------------------- | ------------ |
| all migrations | INSTALLATION#MIGRATIONS | begins with MIGRATION# |              |
| one migration  | INSTALLATION#MIGRATIONS | MIGRATION#<name>       | version      |

They belong to the installation and to no team.
"""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.platform.table import Record
from chalicelib.upgrades.rules import Direction, Phase, Standing

OWNER = "INSTALLATION"
PK = f"{OWNER}#MIGRATIONS"
PREFIX = "MIGRATION#"


class MigrationRecord(Record):
    """How far a migration is. `run` counts its beginnings, and fences off a run that another replaced.

    `cursor` is the key that the next page begins after, `by` the version of the function that went that way.
    """

    phase = UnicodeAttribute()
    direction = UnicodeAttribute()
    done = BooleanAttribute(default=False)
    run = NumberAttribute(default=1)
    cursor = JSONAttribute(null=True)
    seen = NumberAttribute(default=0)
    changed = NumberAttribute(default=0)
    by = UnicodeAttribute(default="")
    begun_at = UTCDateTimeAttribute()
    ended_at = UTCDateTimeAttribute(null=True)

    @property
    def name(self) -> str:
        """The migration's name."""
        return str(self.sk).removeprefix(PREFIX)

    @property
    def standing(self) -> Standing:
        """As the rules know it."""
        return Standing(self.name, Phase(self.phase), Direction(self.direction), bool(self.done), str(self.by))
