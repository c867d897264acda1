"""Records of teams: their members, invitations, API keys and trusts, and what they have used up (keys: `models.py`)."""

from __future__ import annotations

from pynamodb.attributes import (
    BooleanAttribute,
    JSONAttribute,
    NumberAttribute,
    TTLAttribute,
    UnicodeAttribute,
    UTCDateTimeAttribute,
)

from chalicelib.identity.models import IDENTITY_TABLE, IdentityItem
from chalicelib.identity.rules import Grant, Role, Scope
from chalicelib.platform.table import Item, Record

TEAM, USAGE = "TEAM", "USAGE"
MEMBERS, INVITATIONS, KEYS, TRUSTS = "MEMBER#", "INVITE#", "KEY#", "TRUST#"
TEAMS, PAST_TEAMS = "TEAM#", "PAST#"


def team_pk(team: str) -> str:
    """Partition of a team."""
    return f"TEAM#{team}"


class _Named(Record):
    """Something of a team that is named by its sort key."""

    @property
    def team(self) -> str:
        """The team it belongs to."""
        return str(self.pk).removeprefix("TEAM#")

    @property
    def id(self) -> str:
        """Its own id, or that of the person it is about."""
        return str(self.sk).rpartition("#")[2]

    def __repr__(self) -> str:
        """The kind and the id: the rest is personal, or secret."""
        return f"{type(self).__name__}({self.id})"


class _Granted(_Named):
    """Something that has a grant; `scopes` are lists of project, environment and role."""

    role = UnicodeAttribute()
    scopes = JSONAttribute(default=list)

    @property
    def grant(self) -> Grant:
        """The grant it has."""
        return Grant(Role(self.role), tuple(Scope(project, place, Role(role)) for project, place, role in self.scopes))

    def take(self, grant: Grant) -> None:
        """Takes over a grant."""
        self.role = grant.role.value
        self.scopes = [[each.project, each.environment, each.role.value] for each in grant.scopes]


class TeamRecord(Record):
    """A team. `region` never changes; `retention` is in days, where the team has set it."""

    name = UnicodeAttribute()
    region = UnicodeAttribute(default="")
    retention = NumberAttribute(null=True)
    created_at = UTCDateTimeAttribute(null=True)


class UsageRecord(Record):
    """Counters of what a team has; changed by `Count` writes alone."""

    projects = NumberAttribute(default=0)
    services = NumberAttribute(default=0)
    previews = NumberAttribute(default=0)
    members = NumberAttribute(default=0)
    owners = NumberAttribute(default=0)
    keys = NumberAttribute(default=0)
    trusts = NumberAttribute(default=0)
    clusters = NumberAttribute(default=0)


class MemberRecord(_Granted):
    """A member, with a copy of the person's name and address. `invitation` is the one that was accepted."""

    name = UnicodeAttribute(default="")
    email = UnicodeAttribute(default="")
    joined_at = UTCDateTimeAttribute()
    invitation = UnicodeAttribute(default="")
    invited_by = UnicodeAttribute(default="")


class InvitationRecord(_Granted):
    """An invitation that may still be accepted. `digest` is of its secret."""

    note = UnicodeAttribute(default="")
    invited_by = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    valid_until = UTCDateTimeAttribute()
    digest = UnicodeAttribute()


class KeyRecord(_Granted):
    """An API key. `digest` is of its newest secret, `old_digest` of the one before, which is valid until `old_until`.

    `days` is how long the key lives from its creation, or from when it was last rotated.
    """

    name = UnicodeAttribute()
    region = UnicodeAttribute(default="")
    days = NumberAttribute()
    created_by = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    valid_until = UTCDateTimeAttribute()
    digest = UnicodeAttribute()
    old_digest = UnicodeAttribute(null=True)
    old_until = UTCDateTimeAttribute(null=True)
    last_used_at = UTCDateTimeAttribute(null=True)


class TrustRecord(_Granted):
    """Workflows of GitHub Actions that may sign in."""

    name = UnicodeAttribute()
    repository = UnicodeAttribute()
    repository_id = UnicodeAttribute(null=True)
    ref = UnicodeAttribute(null=True)
    environment = UnicodeAttribute(null=True)
    created_by = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()


class MembershipRecord(IdentityItem):
    """A team that a person is in: what they are there is in the team's own record of them."""

    joined_at = UTCDateTimeAttribute()
    founded = BooleanAttribute(default=False)

    @property
    def team(self) -> str:
        """The team."""
        return str(self.sk).removeprefix(TEAMS)


class PastTeamRecord(Item):
    """A team that a person was in: its audit trail may still say where they came from. Expires after that has."""

    class Meta:
        """Where it lives."""

        table_name = IDENTITY_TABLE

    left_at = UTCDateTimeAttribute()
    expires_at = TTLAttribute()

    @property
    def team(self) -> str:
        """The team."""
        return str(self.sk).removeprefix(PAST_TEAMS)
