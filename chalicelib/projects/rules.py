"""The lane of a service: which deployment is under way, which waits, which release is live.

Invariants:
1. At most one deployment is active.
2. At most one waits: the latest wins over one that still waits, which is superseded.
3. A deployment leaves the lane only by ending, and the one that waits then becomes active.
4. Release numbers rise by one and are never given twice.
5. A closed lane stays closed: its service is being deleted, and what is under way is the last.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class EnvironmentKind(StrEnum):
    """What an environment is for. What a role may do differs in production; previews are counted apart."""

    PRODUCTION = "production"
    STAGING = "staging"
    PREVIEW = "preview"


def kind_of(name: str) -> EnvironmentKind:
    """The kind of an environment that does not say: `prod` and `production` are production, `preview-…` and `pr-…` previews."""
    if name in ("prod", "production"):
        return EnvironmentKind.PRODUCTION
    return EnvironmentKind.PREVIEW if name.startswith(("preview-", "pr-")) else EnvironmentKind.STAGING


@dataclass(frozen=True, slots=True)
class Lane:
    """The queue of one service. `live` is the release with the traffic, `last` the newest release number given out.

    `closed`: the service is being deleted.
    """

    active: str | None = None
    waiting: str | None = None
    live: int | None = None
    previous: int | None = None
    last: int = 0
    closed: bool = False


@dataclass(frozen=True, slots=True)
class Entered:
    """How a deployment came into the lane: its release number, whether it begins now, and whom it put out of the queue."""

    lane: Lane
    number: int
    begins: bool
    superseded: str | None


def enter(lane: Lane, deployment: str) -> Entered:
    """The lane after a new deployment joined it."""
    reserved, number = reserve(lane)
    return admit(reserved, deployment, number)


def reserve(lane: Lane) -> tuple[Lane, int]:
    """The lane after a release number was given out, and the number: for a deployment that has no place in it yet."""
    return replace(lane, last=lane.last + 1), lane.last + 1


def admit(lane: Lane, deployment: str, number: int) -> Entered:
    """The lane after a deployment that has its number joined it."""
    if lane.active is None:
        return Entered(replace(lane, active=deployment), number, begins=True, superseded=None)
    return Entered(replace(lane, waiting=deployment), number, begins=False, superseded=lane.waiting)


def leave(lane: Lane, deployment: str) -> tuple[Lane, str | None]:
    """The lane after a deployment ended, and the one that begins because of it. Leaving twice changes nothing."""
    if lane.active == deployment:
        return replace(lane, active=lane.waiting, waiting=None), lane.waiting
    if lane.waiting == deployment:
        return replace(lane, waiting=None), None
    return lane, None


def go_live(lane: Lane, deployment: str, number: int) -> Lane:
    """The lane after the active deployment's release got all the traffic. Saying it twice, or too late, changes nothing."""
    if lane.active != deployment or lane.live == number:
        return lane
    return replace(lane, live=number, previous=lane.live)


def turn_back(lane: Lane, number: int, stable: int | None) -> Lane:
    """The lane after a release that was live already was turned back to the one before it, or to none."""
    return lane if lane.live != number else replace(lane, live=stable, previous=None)
