"""Records of deployments and releases.

| access pattern                        | pk                               | sk                    |
| ------------------------------------- | -------------------------------- | --------------------- |
| a service's deployments, newest first | TEAM#<t>#DEPLOYMENTS#<p>#<e>#<s> | begins with dep_      |
| one deployment with its timeline      | TEAM#<t>#DEPLOYMENTS#<p>#<e>#<s> | <deployment id>       |
| a service's releases, newest first    | TEAM#<t>#RELEASES#<p>#<e>#<s>    | begins with RELEASE#  |
| one release                           | TEAM#<t>#RELEASES#<p>#<e>#<s>    | RELEASE#<n>           |

A deployment's timeline is part of its record: a change of state and its entry are one write, and following a deployment
is one read. What only code reads of it is packed: it is written some fifteen times in a rollout, and billed by the KiB.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute, UTCDateTimeAttribute

from chalicelib.deployments.states import ENDED, State, TimelineEvent, grown
from chalicelib.platform.packed import PackedAttribute, RepackedAttribute
from chalicelib.platform.table import Record
from chalicelib.projects.service import ServiceKey

if TYPE_CHECKING:
    from chalicelib.rollouts.service import RolloutState


def deployments_pk(key: ServiceKey) -> str:
    """Partition of a service's deployments."""
    return f"TEAM#{key.team}#DEPLOYMENTS#{key.project}#{key.environment}#{key.service}"


def releases_pk(key: ServiceKey) -> str:
    """Partition of a service's releases."""
    return f"TEAM#{key.team}#RELEASES#{key.project}#{key.environment}#{key.service}"


def release_sk(number: int) -> str:
    """Sort key of a release; numbers sort as text."""
    return f"RELEASE#{number:06d}"


class DeploymentRecord(Record):
    """One attempt to take a release to production; named by its sort key."""

    team = UnicodeAttribute()
    project = UnicodeAttribute()
    environment = UnicodeAttribute()
    service = UnicodeAttribute()
    kind = UnicodeAttribute()
    state = UnicodeAttribute()
    number = NumberAttribute()
    stable = NumberAttribute(null=True)
    source = UnicodeAttribute(null=True)
    copies = NumberAttribute(null=True)
    image = UnicodeAttribute(null=True)
    config_version = NumberAttribute(default=0)
    message = UnicodeAttribute(default="")
    commit = UnicodeAttribute(default="")
    attempt = NumberAttribute(default=1)
    requested = UnicodeAttribute(null=True)
    requested_by = UnicodeAttribute(null=True)
    rollout = PackedAttribute(null=True)
    strategy = PackedAttribute(null=True)
    baseline = PackedAttribute(null=True)
    deadline = UTCDateTimeAttribute(null=True)
    outcome = UnicodeAttribute(null=True)
    timeline = PackedAttribute(default=list)
    seq = NumberAttribute(default=0)
    created_by = UnicodeAttribute()
    request = UnicodeAttribute(null=True)
    approved_by = UnicodeAttribute(null=True)
    override = BooleanAttribute(null=True)
    created_at = UTCDateTimeAttribute()
    ended_at = UTCDateTimeAttribute(null=True)

    @property
    def id(self) -> str:
        """The deployment's id."""
        return str(self.sk)

    @property
    def key(self) -> ServiceKey:
        """The service it belongs to."""
        return ServiceKey(self.team, self.project, self.environment, self.service)

    @property
    def correlation_id(self) -> str:
        """The id that log lines about it carry: that of the request which asked for it, or its own for an older record."""
        return str(self.request or self.id)

    @property
    def ended(self) -> bool:
        """Whether it has ended."""
        return State(self.state) in ENDED

    @property
    def rollout_state(self) -> RolloutState | None:
        """The rollout as the rules know it."""
        from chalicelib.rollouts.service import RolloutState

        return None if self.rollout is None else RolloutState.from_dict(self.rollout)

    @property
    def step_weights(self) -> tuple[int, ...]:
        """The weights of its strategy's steps, in percent; none before its rollout begins."""
        return tuple(int(step[0]) for step in self.strategy["steps"]) if self.strategy else ()

    def tell(self, now: datetime, kind: str, message: str, by: str | None = None) -> None:
        """Adds an entry to the timeline."""
        self.seq = int(self.seq) + 1
        self.timeline = grown(self.timeline or [], TimelineEvent(self.seq, now, kind, message, by))

    def events(self) -> list[TimelineEvent]:
        """The timeline, oldest first."""
        return [TimelineEvent.from_list(each) for each in self.timeline or []]


class ReleaseRecord(Record):
    """A release: image digest, config version and spec as one record. Only the number of its instances may change."""

    number = NumberAttribute()
    deployment = UnicodeAttribute()
    image = UnicodeAttribute()
    command = JSONAttribute(null=True)
    config_version = NumberAttribute()
    spec = RepackedAttribute()
    created_at = UTCDateTimeAttribute()
    replicas = NumberAttribute(null=True)
