"""What a team has, and may have: counters that change in the commit of what is created or gone."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.identity.models_teams import USAGE, UsageRecord, team_pk
from chalicelib.platform.errors import QuotaExceeded
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.settings import Settings
from chalicelib.platform.table import Count, Write

MOST_MEMBERS, MOST_KEYS, MOST_TRUSTS, MOST_INVITATIONS, MOST_CLUSTERS = 500, 100, 50, 100, 20
"""Bounds that are no setting: what a team has lies in one partition, and a federated sign-in reads all of its trusts."""
_NOUNS = {"previews": "preview environments", "keys": "API keys", "trusts": "trusts of GitHub Actions"}


@dataclass(frozen=True, slots=True)
class Usage:
    """What a team has."""

    projects: int = 0
    services: int = 0
    previews: int = 0
    members: int = 0
    owners: int = 0
    clusters: int = 0

    @classmethod
    def from_record(cls, record: UsageRecord | None) -> Usage:
        """The counters of a record; all 0 without one."""
        names = ("projects", "services", "previews", "members", "owners", "clusters")
        return cls(**{name: max(0, int(getattr(record, name) or 0)) for name in names}) if record is not None else cls()


@dataclass(frozen=True, slots=True)
class Room:
    """Room for more in a team: the write that takes it, in the commit of what is created, and what to say if there is none."""

    write: Write
    sentence: str

    def refusal(self) -> QuotaExceeded:
        """What to raise when the condition of the write did not hold."""
        return QuotaExceeded(self.sentence)


def room_for(team: str, settings: Settings, **more: int) -> Room:
    """Room for `more` of something that is bounded: projects, services, previews, members, keys, trusts or clusters."""
    bounds = _bounds(settings)
    at_most = {name: bounds[name] for name in more if name in bounds}
    told = " and ".join(f"{most} {_NOUNS.get(name, name)}" for name, most in at_most.items())
    write = Count(UsageRecord, team_pk(team), USAGE, add=more, at_most=at_most)
    return Room(write, f"The team has {told}, which is as many as it may have.")


def give_back(team: str, **less: int) -> Write:
    """The write that gives room back, in the commit of what is gone."""
    return Count(UsageRecord, team_pk(team), USAGE, add={name: -number for name, number in less.items()})


def quota_of(settings: Settings) -> Usage:
    """What a team may have of what an installation bounds."""
    return Usage(projects=settings.quota_projects, services=settings.quota_services, previews=settings.quota_previews)


def _bounds(settings: Settings) -> Mapping[str, int]:
    return {
        "projects": settings.quota_projects,
        "services": settings.quota_services,
        "previews": settings.quota_previews,
        "members": MOST_MEMBERS,
        "keys": MOST_KEYS,
        "trusts": MOST_TRUSTS,
        "clusters": MOST_CLUSTERS,
    }
