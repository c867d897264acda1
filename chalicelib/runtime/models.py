"""Records of clusters. Their credentials are in the secret store, each under a name of its own that the record holds.

| access pattern                     | pk               | sk                       |
| ---------------------------------- | ---------------- | ------------------------ |
| a team's clusters                  | TEAM#<t>         | begins with CLUSTER#     |
| one cluster                        | TEAM#<t>         | CLUSTER#<name>           |
| all clusters, to check them        | gsi1: CLUSTERS   | gsi1sk TEAM#<t>#<name>   |
"""

from __future__ import annotations

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex

from chalicelib.platform.table import Record

CLUSTERS = "CLUSTERS"


def team_pk(team: str) -> str:
    """Partition of a team's clusters."""
    return f"TEAM#{team}"


def cluster_sk(name: str) -> str:
    """Sort key of a cluster."""
    return f"CLUSTER#{name}"


class ClusterIndex(GlobalSecondaryIndex["ClusterRecord"]):  # type: ignore[no-untyped-call]  # PynamoDB's own hook
    """Clusters of all teams, for the checks."""

    class Meta:
        """Name and projection."""

        index_name = "gsi1"
        projection = AllProjection()

    gsi1pk = UnicodeAttribute(hash_key=True)
    gsi1sk = UnicodeAttribute(range_key=True)


class ClusterRecord(Record):
    """A registered cluster. `access` names its credential's place in the secret store and changes with it.

    `edition` counts what its owner changed. `version` rises with every check, every placement and every silence besides, so
    that a cluster is not removed while an environment is being placed on it. `silences`, `silent_since` and `next_try` are
    its breaker (`breaker_rules`).
    """

    team = UnicodeAttribute()
    name = UnicodeAttribute()
    provider = UnicodeAttribute()
    server = UnicodeAttribute()
    access = UnicodeAttribute()
    shared = BooleanAttribute(default=False)
    metrics = UnicodeAttribute()
    preset = UnicodeAttribute()
    health = UnicodeAttribute()
    found = UnicodeAttribute(default="")
    checked_at = UTCDateTimeAttribute(null=True)
    silences = NumberAttribute(default=0)
    silent_since = UTCDateTimeAttribute(null=True)
    next_try = UTCDateTimeAttribute(null=True)
    created_by = UnicodeAttribute()
    created_at = UTCDateTimeAttribute()
    edition = NumberAttribute(default=1)
    gsi1pk = UnicodeAttribute(null=True)
    gsi1sk = UnicodeAttribute(null=True)
    gsi1 = ClusterIndex()
