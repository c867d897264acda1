"""Records of projects, environments, services and config.

| access pattern                     | pk                          | sk                                       |
| ---------------------------------- | --------------------------- | ---------------------------------------- |
| a team's projects                  | TEAM#<t>                    | begins with PROJECT#                     |
| one project                        | TEAM#<t>                    | PROJECT#<p>                              |
| a project's environments           | TEAM#<t>#PROJECT#<p>        | begins with ENVIRONMENT#                 |
| an environment's services          | TEAM#<t>#PROJECT#<p>        | begins with SERVICE#<e>#                 |
| one service with its queue         | TEAM#<t>#PROJECT#<p>        | SERVICE#<e>#<s>                          |
| services with work under way       | gsi1: ACTIVE                | gsi1sk TEAM#<t>#<p>#<e>#<s>              |
| a service's newest config          | TEAM#<t>#CONFIG#<p>#<e>#<s> | HEAD                                     |
| config of one version              | TEAM#<t>#CONFIG#<p>#<e>#<s> | VERSION#<n>                              |
"""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from chalicelib.platform.packed import PackedAttribute
from chalicelib.platform.table import Record
from chalicelib.projects.names import ServiceKey
from chalicelib.projects.rules import Lane

ACTIVE = "ACTIVE"


def team_pk(team: str) -> str:
    """Partition of a team's projects."""
    return f"TEAM#{team}"


def project_pk(team: str, project: str) -> str:
    """Partition of what a project holds."""
    return f"TEAM#{team}#PROJECT#{project}"


def service_sk(environment: str, service: str) -> str:
    """Sort key of a service within its project."""
    return f"SERVICE#{environment}#{service}"


def config_pk(key: ServiceKey) -> str:
    """Partition of a service's config versions."""
    return f"TEAM#{key.team}#CONFIG#{key.project}#{key.environment}#{key.service}"


class ProjectRecord(Record):
    """A project; named by its sort key."""

    name = UnicodeAttribute()
    description = UnicodeAttribute(default="")
    created_at = UTCDateTimeAttribute()


class EnvironmentRecord(Record):
    """An environment of a project."""

    project = UnicodeAttribute()
    name = UnicodeAttribute()
    kind = UnicodeAttribute(null=True)
    cluster = UnicodeAttribute(null=True)
    description = UnicodeAttribute(default="")
    freezes = PackedAttribute(null=True)
    created_at = UTCDateTimeAttribute()


class ActiveIndex(GlobalSecondaryIndex["ServiceRecord"]):  # type: ignore[no-untyped-call]  # PynamoDB's own hook
    """Services with a deployment under way, or being deleted, for the sweep; sparse."""

    class Meta:
        """Name and projection."""

        index_name = "gsi1"
        projection = AllProjection()

    gsi1pk = UnicodeAttribute(hash_key=True)
    gsi1sk = UnicodeAttribute(range_key=True)


class ServiceRecord(Record):
    """A service with its lane: what is active, waiting and live."""

    team = UnicodeAttribute()
    project = UnicodeAttribute()
    environment = UnicodeAttribute()
    name = UnicodeAttribute()
    description = UnicodeAttribute(default="")
    created_at = UTCDateTimeAttribute()
    deleting = BooleanAttribute(default=False)
    active = UnicodeAttribute(null=True)
    waiting = UnicodeAttribute(null=True)
    live = NumberAttribute(null=True)
    previous = NumberAttribute(null=True)
    last = NumberAttribute(default=0)
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi1 = ActiveIndex()

    @property
    def key(self) -> ServiceKey:
        """The service's names."""
        return ServiceKey(self.team, self.project, self.environment, self.name)

    @property
    def lane(self) -> Lane:
        """The queue as the rules know it."""
        live = None if self.live is None else int(self.live)
        previous = None if self.previous is None else int(self.previous)
        return Lane(self.active, self.waiting, live, previous, int(self.last), bool(self.deleting))

    def take(self, lane: Lane) -> None:
        """Takes over a lane that the rules decided on."""
        self.active, self.waiting, self.live, self.previous, self.last = (
            lane.active,
            lane.waiting,
            lane.live,
            lane.previous,
            lane.last,
        )
        self.deleting = lane.closed
        busy = lane.active is not None or lane.closed
        self.gsi1pk = ACTIVE if busy else None
        self.gsi1sk = f"TEAM#{self.team}#{self.project}#{self.environment}#{self.name}" if busy else None


class ConfigRecord(Record):
    """A service's config variables: the newest under HEAD, each version under its number, which never changes."""

    number = NumberAttribute()
    values = JSONAttribute()
    changed_at = UTCDateTimeAttribute()
