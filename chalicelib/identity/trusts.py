"""Trusts: workflows of GitHub Actions that may sign in without a stored secret, and as what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.identity.authority import hand_out
from chalicelib.identity.models_teams import TRUSTS, TrustRecord, team_pk
from chalicelib.identity.principal import Principal
from chalicelib.identity.rules import Grant
from chalicelib.identity.trust_rules import Trust, chosen
from chalicelib.identity.usage import MOST_TRUSTS, give_back, room_for
from chalicelib.platform import once as keys
from chalicelib.platform.errors import FieldError, InvalidInput, NotFound
from chalicelib.platform.once import Once
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Notes, Store
from chalicelib.platform.table import ConditionFailed, Place, Put, Remove


@dataclass(frozen=True, slots=True)
class Workflow:
    """Which jobs are meant: all that is said must be what GitHub says of a job; a ref may have `*`."""

    repository: str
    repository_id: str | None
    ref: str | None
    environment: str | None


@dataclass(frozen=True, slots=True)
class NamedTrust:
    """A trust with its name, and who made it when."""

    id: str
    name: str
    workflow: Workflow
    grant: Grant
    created_by: str
    created_at: datetime


def create_trust(
    who: Principal,
    name: str,
    workflow: Workflow,
    wanted: Grant,
    *,
    trust: str,
    settings: Settings,
    now: datetime,
    once: Once | None,
) -> NamedTrust:
    """A new trust. Raises Forbidden for more than the caller has, InvalidInput, QuotaExceeded, KeyReused."""
    hand_out(who, wanted)
    _check(workflow)
    record = TrustRecord(team_pk(who.team), TRUSTS + trust, name=name, created_by=who.subject, created_at=now)
    record.repository, record.repository_id = workflow.repository, workflow.repository_id
    record.ref, record.environment = workflow.ref, workflow.environment
    record.take(wanted)
    room = room_for(who.team, settings, trusts=1)
    try:
        who.store.commit([Put(record), room.write, *keys.writes(once, trust)])
    except ConditionFailed as lost:
        made = keys.seen(who.store, once)
        before = who.store.fetch(*_place(who.team, made)) if made is not None else None
        if before is not None:
            return _named(before)
        raise room.refusal() if lost.failed == {1} else lost from None
    return _named(record)


def list_trusts(who: Principal, *, cursor: str | None, limit: int) -> tuple[list[NamedTrust], str | None]:
    """A page of the team's trusts, the oldest first."""
    found, after = who.store.page(TrustRecord, team_pk(who.team), TRUSTS, cursor=cursor, limit=limit)
    return [_named(record) for record in found], after


def revoke_trust(who: Principal, trust: str) -> None:
    """Deletes a trust; access tokens that were given for it change nothing any more. Raises NotFound."""
    gone = Remove(*_place(who.team, trust), TrustRecord.pk.exists())
    try:
        who.store.commit([gone, give_back(who.team, trusts=1)], Notes(revoked=(trust,)))
    except ConditionFailed as lost:
        absent = NotFound("The team has no trust of that id.", remedy="List the trusts to see their ids.")
        raise absent if 0 in lost.failed else lost from None


def matching_grant(store: Store, team: str, claims: Mapping[str, Any], _now: datetime) -> tuple[str, Grant] | None:
    """The trust that a job gets by what GitHub says of it, and its grant; None when the team trusts no such job."""
    found, _ = store.page(TrustRecord, team_pk(team), TRUSTS, cursor=None, limit=MOST_TRUSTS)
    best = chosen((_trust(record) for record in found), claims)
    return None if best is None else (best.id, best.grant)


def _check(workflow: Workflow) -> None:
    ref = workflow.ref
    if ref is not None and not ref.startswith("refs/"):
        broken = FieldError(
            "body.ref", "It is no full ref.", f"Write refs/heads/{ref} for a branch, refs/tags/{ref} for a tag."
        )
        raise InvalidInput("The body breaks 1 rule.", fields=[broken])


def _place(team: str, trust: str) -> Place[TrustRecord]:
    return TrustRecord, team_pk(team), TRUSTS + trust


def _trust(record: TrustRecord) -> Trust:
    return Trust(record.id, record.repository, record.repository_id, record.ref, record.environment, record.grant)


def _named(record: TrustRecord) -> NamedTrust:
    workflow = Workflow(record.repository, record.repository_id, record.ref, record.environment)
    return NamedTrust(record.id, record.name, workflow, record.grant, record.created_by, record.created_at)
