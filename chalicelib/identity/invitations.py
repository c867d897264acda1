"""Invitations: a link that makes whoever opens it a member, once, until it expires or is withdrawn.

Whoever holds a link that is not valid learns nothing from it: one that was used, withdrawn, altered, that has expired or never
was, and one whose giver may no longer give what it offers, are all answered alike.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.identity import credentials
from chalicelib.identity.authority import hand_out, still_has
from chalicelib.identity.credentials import Credential
from chalicelib.identity.memberships import Newcomer, joining, known, member_place, profile_place, refusal_to_join
from chalicelib.identity.models_people import user_pk
from chalicelib.identity.models_teams import INVITATIONS, InvitationRecord, MemberRecord, TeamRecord, team_pk
from chalicelib.identity.principal import Principal
from chalicelib.identity.regions import refuse_other_region
from chalicelib.identity.rules import Grant
from chalicelib.identity.teams import MyTeam, record_or_default, team_place
from chalicelib.identity.usage import MOST_INVITATIONS
from chalicelib.platform import once as keys
from chalicelib.platform.errors import Conflict, LostRace, NotFound, QuotaExceeded
from chalicelib.platform.once import Once
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store
from chalicelib.platform.table import Check, ConditionFailed, Place, Put, Remove, Write


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that may still be accepted. Only a new one has its link."""

    id: str
    grant: Grant
    note: str
    invited_by: str
    created_at: datetime
    valid_until: datetime
    link: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Offer:
    """What an invitation offers."""

    team: str
    team_name: str
    grant: Grant
    valid_until: datetime


def create_invitation(
    who: Principal,
    wanted: Grant,
    *,
    invitation: str,
    note: str,
    hours: int,
    settings: Settings,
    now: datetime,
    once: Once | None,
) -> Invitation:
    """A new invitation with its link. Raises Forbidden for more than the caller has, InvalidInput, QuotaExceeded.

    The link cannot be shown again: a repeated Idempotency-Key raises Conflict.
    """
    hand_out(who, wanted)
    secret = secrets.token_urlsafe(credentials.SECRET_BYTES)
    record = InvitationRecord(team_pk(who.team), INVITATIONS + invitation, note=note, invited_by=who.subject, created_at=now)
    record.valid_until, record.digest = now + timedelta(hours=hours), credentials.digest_of(secret)
    record.take(wanted)
    over = _refuse_too_many(who.store, who.team, now)
    try:
        who.store.commit([Put(record), *over, *keys.writes(once, invitation)])
    except ConditionFailed as lost:
        made = keys.seen(who.store, once)
        if made is None:
            raise
        remedy = f"Withdraw invitation {made} and create another, with another Idempotency-Key."
        raise Conflict("This invitation was made before, and its link was shown then.", remedy=remedy) from lost
    link = credentials.invitation_link(settings.issuer, who.team, invitation, secret)
    return _invitation(record, link)


def list_invitations(who: Principal, now: datetime, *, cursor: str | None, limit: int) -> tuple[list[Invitation], str | None]:
    """A page of the team's invitations that may still be accepted, the oldest first."""
    found, after = who.store.page(InvitationRecord, team_pk(who.team), INVITATIONS, cursor=cursor, limit=limit)
    return [_invitation(record) for record in found if now < record.valid_until], after


def revoke_invitation(who: Principal, invitation: str) -> None:
    """Withdraws an invitation. Raises NotFound."""
    try:
        who.store.commit([Remove(*_place(who.team, invitation), InvitationRecord.pk.exists())])
    except ConditionFailed as lost:
        remedy = "List the invitations; one that was accepted is not among them."
        raise NotFound("There is no invitation of that id.", remedy=remedy) from lost


def get_offer(token: str, settings: Settings, now: datetime) -> Offer:
    """What an invitation offers. Raises NotFound when it is not valid, and WrongRegion."""
    wanted = _read(token)
    store = Store((team_pk(wanted.team),)).asking()
    team, record = store.together(team_place(wanted.team), _place(wanted.team, wanted.id))
    found = _valid(store, wanted, record, now)
    team = _served(team, wanted.team, settings)
    return Offer(wanted.team, team.name, found.grant, found.valid_until)


def accept_invitation(who: Principal, token: str, *, settings: Settings, now: datetime) -> MyTeam:
    """Makes the caller a member. Accepting again what one has accepted answers the same.

    Raises Forbidden for machines, NotFound when the invitation is not valid, Conflict for members, QuotaExceeded, WrongRegion.
    """
    user, wanted = who.person(), _read(token)
    try:
        return _accept(who, user, wanted, settings, now)
    except (Conflict, LostRace, NotFound):
        return _accept(who, user, wanted, settings, now)  # the same click twice: by now it is accepted


def _accept(who: Principal, user: str, wanted: Credential, settings: Settings, now: datetime) -> MyTeam:
    store = who.store_in(wanted.team, user_pk(user))
    team, invitation, member, profile = store.asking().together(
        team_place(wanted.team), _place(wanted.team, wanted.id), member_place(wanted.team, user), profile_place(user)
    )
    if member is not None and member.invitation == wanted.id:
        return _my_team(_served(team, wanted.team, settings), member, who)
    record = _valid(store.asking(), wanted, invitation, now)
    served = _served(team, wanted.team, settings)
    newcomer = Newcomer(user, known(profile), record.grant, record.id, record.invited_by)
    _join(store, record, served, joining(wanted.team, newcomer, settings, now), settings)
    return MyTeam(wanted.team, served.name, record.grant.role, served.region, wanted.team == who.team)


def _join(store: Store, record: InvitationRecord, team: TeamRecord, writes: list[Write], settings: Settings) -> None:
    used = Remove(*_place(record.team, record.id), InvitationRecord.pk.exists())
    stays: Write = Put(team) if team.version is None else Check(*team_place(record.team))
    try:
        store.commit([*writes, used, stays])
    except ConditionFailed as lost:
        refusal = refusal_to_join(record.team, lost.failed, settings)
        if refusal is not None:
            raise refusal from lost
        if len(writes) in lost.failed:
            raise _not_valid() from lost
        raise LostRace("The team was changed at the same moment.") from lost


def _read(token: str) -> Credential:
    found = credentials.read_invitation(token)
    if found is None:
        raise _not_valid()
    return found


def _valid(store: Store, wanted: Credential, record: InvitationRecord | None, now: datetime) -> InvitationRecord:
    """The record of an invitation that may be accepted now."""
    if record is None or not credentials.is_of(wanted.secret, record.digest) or now >= record.valid_until:
        raise _not_valid()
    if not still_has(store.aside(), record.team, record.invited_by, record.grant):
        raise _not_valid()
    return record


def _served(team: TeamRecord | None, name: str, settings: Settings) -> TeamRecord:
    found = record_or_default(team, name, settings)
    if found is None:
        raise _not_valid()
    refuse_other_region(settings, found.region)
    return found


def _not_valid() -> NotFound:
    remedy = "Check that the link is whole, or ask whoever invited you for a new one."
    return NotFound("This invitation is not valid (any more).", remedy=remedy)


def _refuse_too_many(store: Store, team: str, now: datetime) -> list[Write]:
    """The writes that clear away what has expired. Raises QuotaExceeded when the others are as many as a team may have."""
    found, _ = store.page(InvitationRecord, team_pk(team), INVITATIONS, cursor=None, limit=2 * MOST_INVITATIONS)
    over = [each for each in found if now >= each.valid_until]
    if len(found) - len(over) >= MOST_INVITATIONS:
        remedy = "Withdraw some, or wait until they are accepted or expire."
        raise QuotaExceeded(
            f"The team has {MOST_INVITATIONS} open invitations, which is as many as it may have.", remedy=remedy
        )
    return [Remove(*_place(team, each.id)) for each in over[:50]]


def _place(team: str, invitation: str) -> Place[InvitationRecord]:
    return InvitationRecord, team_pk(team), INVITATIONS + invitation


def _my_team(team: TeamRecord, member: MemberRecord, who: Principal) -> MyTeam:
    return MyTeam(member.team, team.name, member.grant.role, team.region, member.team == who.team)


def _invitation(record: InvitationRecord, link: str = "") -> Invitation:
    return Invitation(record.id, record.grant, record.note, record.invited_by, record.created_at, record.valid_until, link)
