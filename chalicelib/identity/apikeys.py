"""API keys: credentials of machines, with a secret that is shown once and two that are valid while it is being replaced."""

from __future__ import annotations

import secrets
from dataclasses import field
from datetime import datetime, timedelta

from chalicelib.identity import credentials
from chalicelib.identity.authority import hand_out
from chalicelib.identity.credentials import Credential
from chalicelib.identity.models_teams import KEYS, KeyRecord, team_pk
from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.regions import refuse_other_region
from chalicelib.identity.rules import Grant
from chalicelib.identity.usage import give_back, room_for
from chalicelib.platform import once as keys
from chalicelib.platform.errors import Conflict, CygniError, LostRace, NotFound, Unauthenticated
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.logs import log
from chalicelib.platform.once import Once
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Notes, team_store
from chalicelib.platform.table import ConditionFailed, Place, Put, Remove

TRIES = 5
USE_KEPT_TO = timedelta(hours=1)
"""How exactly it is recorded when a key was last used: a write for each request would cost more than the request."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key. Until `old_secret_until` the secret before the newest is valid, too. Only a new one has its `key`."""

    id: str
    name: str
    prefix: str
    grant: Grant
    created_by: str
    created_at: datetime
    valid_until: datetime
    last_used_at: datetime | None
    old_secret_until: datetime | None
    version: int
    key: str = field(default="", repr=False)


def create_api_key(
    who: Principal, name: str, wanted: Grant, *, key: str, days: int, settings: Settings, now: datetime, once: Once | None
) -> ApiKey:
    """A new key with its secret. Raises Forbidden for more than the caller has, InvalidInput, QuotaExceeded.

    The secret cannot be shown again: a repeated Idempotency-Key raises Conflict.
    """
    hand_out(who, wanted)
    secret = secrets.token_urlsafe(credentials.SECRET_BYTES)
    record = KeyRecord(team_pk(who.team), KEYS + key, name=name, region=settings.region, days=days, created_at=now)
    record.created_by, record.valid_until = who.subject, now + timedelta(days=days)
    record.digest = credentials.digest_of(secret)
    record.take(wanted)
    room = room_for(who.team, settings, keys=1)
    try:
        who.store.commit([Put(record), room.write, *keys.writes(once, key)])
    except ConditionFailed as lost:
        _refuse_repeated(who, once)
        raise room.refusal() if lost.failed == {1} else lost from None
    return _api_key(record, now, secret)


def list_api_keys(who: Principal, now: datetime, *, cursor: str | None, limit: int) -> tuple[list[ApiKey], str | None]:
    """A page of the team's keys, the oldest first; those that have expired are among them until somebody deletes them."""
    found, after = who.store.page(KeyRecord, team_pk(who.team), KEYS, cursor=cursor, limit=limit)
    return [_api_key(record, now) for record in found], after


def rotate_api_key(who: Principal, key: str, *, overlap: timedelta, now: datetime, once: Once | None) -> ApiKey:
    """A new secret for a key, whose life begins anew; the secret it had is valid for `overlap` longer, one before that no more.

    Raises NotFound, Forbidden for a key that may do more than the caller, Conflict for a repeated Idempotency-Key, LostRace.
    """
    for _ in range(TRIES):
        record = who.store.fetch(*_place(who.team, key))
        if record is None:
            raise _absent()
        hand_out(who, record.grant)
        secret = secrets.token_urlsafe(credentials.SECRET_BYTES)
        record.old_digest, record.old_until = record.digest, min(now + overlap, record.valid_until)
        record.digest, record.valid_until = credentials.digest_of(secret), now + timedelta(days=int(record.days))
        try:
            who.store.commit([Put(record), *keys.writes(once, key)])
        except ConditionFailed:
            _refuse_repeated(who, once)
            continue
        return _api_key(record, now, secret)
    raise LostRace("This key is being changed too quickly just now.")


def revoke_api_key(who: Principal, key: str) -> None:
    """Deletes a key; requests with it that are under way change nothing any more. Raises NotFound."""
    gone = Remove(*_place(who.team, key), KeyRecord.pk.exists())
    try:
        who.store.commit([gone, give_back(who.team, keys=1)], Notes(revoked=(key,)))
    except ConditionFailed as lost:
        raise _absent() if 0 in lost.failed else lost from None


def authenticate_key(token: str, now: datetime, settings: Settings) -> Principal:
    """The caller that an API key proves, in one read. Raises Unauthenticated, and WrongRegion for a team of elsewhere.

    What is wrong with a key is told only to whoever has its secret: that it has expired. All others are not known here.
    """
    found = credentials.read_api_key(token)
    record = team_store(found.team).asking().fetch(*_place(found.team, found.id)) if found is not None else None
    if found is None or record is None or not _is_secret_of(found, record, now):
        raise Unauthenticated("The API key is not known here.", remedy="Check the key, and that it belongs to this endpoint.")
    refuse_other_region(settings, record.region)
    if now >= record.valid_until:
        raise Unauthenticated("The API key has expired.", remedy="Ask an Owner or Admin to rotate it: `cygni keys rotate`.")
    _note_use(record, now)
    store = team_store(found.team)
    return Principal(found.id, Kind.KEY, found.team, record.grant, store, name=record.name, since=now)


def _is_secret_of(found: Credential, record: KeyRecord, now: datetime) -> bool:
    """Both secrets are compared, whatever comes of the first."""
    newest = credentials.is_of(found.secret, record.digest)
    before = credentials.is_of(found.secret, record.old_digest or "")
    return newest or (before and record.old_until is not None and now < record.old_until)


def _note_use(record: KeyRecord, now: datetime) -> None:
    """Records that a key was used, unless that is known to the hour. A request never fails for it."""
    if record.last_used_at is not None and now - record.last_used_at < USE_KEPT_TO:
        return
    record.last_used_at = now
    try:
        team_store(record.team).commit([Put(record)])
    except CygniError as failed:
        log().info("the use of an API key was not recorded", extra={"key": record.id, "error": failed.code})


def _refuse_repeated(who: Principal, once: Once | None) -> None:
    made = keys.seen(who.store, once)
    if made is not None:
        remedy = f"Rotate key {made}, with another Idempotency-Key, to get a new secret."
        raise Conflict("This request was made before, and the secret was shown then.", remedy=remedy)


def _place(team: str, key: str) -> Place[KeyRecord]:
    return KeyRecord, team_pk(team), KEYS + key


def _absent() -> NotFound:
    return NotFound("The team has no API key of that id.", remedy="List the keys to see their ids.")


def _api_key(record: KeyRecord, now: datetime, secret: str = "") -> ApiKey:
    old = record.old_until if record.old_until is not None and now < record.old_until else None
    return ApiKey(
        record.id,
        record.name,
        credentials.prefix_of(record.team, record.id),
        record.grant,
        record.created_by,
        record.created_at,
        record.valid_until,
        record.last_used_at,
        old,
        int(record.version or 0),
        credentials.api_key(record.team, record.id, secret) if secret else "",
    )
