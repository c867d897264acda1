"""Who may hand out a role, and who may take one away. Pure.

Invariants:
1. Nobody hands out more than they have, and nobody takes anything from whoever has more than they.
2. Only an Owner makes an Owner, and only of somebody who is a member: no invitation, API key or trust makes one.
3. An Owner's role is for the whole team, and a scope's role is at most the role that it narrows.
4. A team keeps an Owner. Two who leave at the same moment cannot be told by what either has read, so this is a condition on
   the team's counter of Owners, in the commit that takes one away (`owners_less`).
"""

from __future__ import annotations

from enum import Enum

from chalicelib.identity.rules import Grant, Role
from chalicelib.platform.errors import FieldError
from chalicelib.platform.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody may not, and what to do about it."""

    sentence: str
    remedy: str


def faults(wanted: Grant) -> list[FieldError]:
    """What is wrong with a grant that somebody asks for, whoever it is."""
    found = []
    if wanted.role is Role.OWNER and wanted.scopes:
        remedy = "Leave the scopes out, or give a lower role."
        found.append(FieldError("body.scopes", "An Owner's role is for the whole team.", remedy))
    places = [(each.project, each.environment) for each in wanted.scopes]
    for index, each in enumerate(wanted.scopes):
        if each.role.rank > wanted.role.rank:
            message = f"A {wanted.role.value}'s role cannot be narrowed to {each.role.value}, which is more."
            found.append(FieldError(f"body.scopes.{index}.role", message, "Raise the role itself, or lower this one."))
        if places.index(places[index]) < index:
            message = f"{each.project}/{each.environment} is named twice."
            found.append(FieldError(f"body.scopes.{index}", message, "Name each part of the team once."))
    return found


def refuse_handing_out(giver: Grant, wanted: Grant) -> Refusal | None:
    """Why `giver` may not hand out a grant by an invitation, an API key or a trust; None when they may."""
    if wanted.role is Role.OWNER:
        return Refusal("Only a member can be made an Owner.", "Hand out a lower role; an Owner can raise a member later.")
    return _refuse_more(giver, wanted)


def refuse_change(actor: Grant, present: Grant, wanted: Grant) -> Refusal | None:
    """Why `actor` may not change a member's grant from `present` to `wanted`; None when they may."""
    return refuse_removal(actor, present) or _refuse_more(actor, wanted)


def refuse_removal(actor: Grant, present: Grant) -> Refusal | None:
    """Why `actor` may not take away a member's grant; None when they may."""
    if present.within(actor):
        return None
    return Refusal(f"A {actor.role.value} cannot change or remove a member who has more.", "Ask an Owner of the team.")


def owners_less(before: Grant, after: Grant | None) -> int:
    """How many Owners a team has less when a member's grant changes from one to the other, or ends (None)."""
    return int(before.role is Role.OWNER) - int(after is not None and after.role is Role.OWNER)


class Ending(Enum):
    """What comes of a team when one of its members is erased."""

    LEAVE = "the member leaves, the team stays"
    DELETE = "the team ends with its only member"
    HAS_MEMBERS = "refused: the team would have members and no Owner"
    HAS_PROJECTS = "refused: the team would have projects and no member"


def ending(grant: Grant, *, owners: int, members: int, projects: int) -> Ending:
    """What comes of a team when a member with this grant is erased; the numbers are the team's, the member among them."""
    if grant.role is not Role.OWNER or owners > 1:
        return Ending.LEAVE
    if members > 1:
        return Ending.HAS_MEMBERS
    return Ending.HAS_PROJECTS if projects > 0 else Ending.DELETE


def _refuse_more(giver: Grant, wanted: Grant) -> Refusal | None:
    if wanted.within(giver):
        return None
    return Refusal(f"A {giver.role.value} cannot hand out more than they have themselves.", "Ask an Owner of the team.")
