"""Signing in a device, such as the `cygni` command: a person approves it in a browser (RFC 8628)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chalicelib.identity import sessions
from chalicelib.identity.asked import Asked
from chalicelib.identity.device_rules import ALPHABET, LETTERS, Answer, State, Waiting, asked, read_user_code, user_code
from chalicelib.identity.models_people import user_pk
from chalicelib.identity.models_signin import CODE, DEVICE, CodeRecord, DeviceRecord, code_pk, device_pk
from chalicelib.identity.session_rules import REFRESH
from chalicelib.identity.sessions import SignedIn
from chalicelib.identity.signin_rules import SECRET_BYTES, is_secret, key_of
from chalicelib.identity.standing import first_standing
from chalicelib.identity.users import MakeId, get_profile
from chalicelib.platform.errors import Conflict, GrantRefused, LostRace, NotFound
from chalicelib.platform.logs import log
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store
from chalicelib.platform.strict import encode_base64url
from chalicelib.platform.table import ConditionFailed, Put, Remove

TRIES = 4


@dataclass(frozen=True, slots=True)
class Started:
    """A device's sign-in that has begun: what the device keeps, what the person types, how often the device may ask."""

    device_code: str = field(repr=False)
    user_code: str
    interval: int


@dataclass(frozen=True, slots=True)
class Device:
    """A device that waits to be approved, as the person is shown it."""

    user_code: str
    device_name: str
    source: str
    begun_at: datetime


def start(*, client: str, device_name: str, source: str, interval: int, now: datetime) -> Started:
    """Begins a sign-in. Raises Transient."""
    device_code = encode_base64url(secrets.token_bytes(SECRET_BYTES))
    key = key_of(device_code)
    for _ in range(TRIES):
        code = user_code(tuple(secrets.randbelow(len(ALPHABET)) for _ in range(LETTERS)))
        record = DeviceRecord(
            device_pk(key),
            DEVICE,
            state=State.WAITING.value,
            user_code=code,
            client=client,
            device_name=device_name,
            source=source,
            interval=interval,
            begun_at=now,
        )
        record.expires_at = _waiting(record).ends_at
        named = CodeRecord(code_pk(code), CODE, device=key, expires_at=record.expires_at)
        # A code of long ago may still lie there: what has expired is deleted some time later.
        free = CodeRecord.pk.does_not_exist() | (CodeRecord.expires_at < now)
        try:
            Store((device_pk(key), code_pk(code))).commit([Put(record), Put(named, free)])
        except ConditionFailed:
            continue
        return Started(device_code, code, interval)
    raise LostRace("No free code was found.")


def find(typed: str, now: datetime) -> Device:
    """The device that waits under a user code. Raises NotFound for whatever is no code that can be approved (any more)."""
    record = _waiting_under(typed, now)
    return Device(record.user_code, record.device_name, record.source, record.begun_at)


def decide(typed: str, user: str, *, approve: bool, now: datetime) -> Device:
    """A person approves or denies the device under a user code, once. Raises NotFound, and Conflict for the second of two."""
    record = _waiting_under(typed, now)
    record.state, record.user = (State.APPROVED if approve else State.DENIED).value, user if approve else ""
    named = code_pk(record.user_code)
    try:
        Store((record.pk, named)).commit([Put(record), Remove(CodeRecord, named, CODE)])
    except ConditionFailed:
        raise Conflict(
            "The device asked, or somebody decided, at this very moment.", remedy="Open the page again and look what it says."
        ) from None
    return Device(record.user_code, record.device_name, record.source, record.begun_at)


def redeem(device_code: str, request: Asked, make_id: MakeId, settings: Settings) -> SignedIn:
    """The new session of an approved device, in the first of the person's teams.

    Raises GrantRefused with RFC 8628's codes, and Transient.
    """
    pk = device_pk(key_of(device_code))
    for _ in range(TRIES):
        record = Store((pk,)).fetch(DeviceRecord, pk, DEVICE) if is_secret(device_code) else None
        if record is None:
            raise _REFUSALS[Answer.TAKEN_TWICE]()
        after, answer = asked(_waiting(record), request.now)
        if answer is Answer.TAKEN_TWICE:
            _end(record, request)
        try:
            if answer is Answer.TOKENS:
                return _session(record, after, request.now, make_id, settings)
            if answer in (Answer.PENDING, Answer.SLOW_DOWN):
                _apply(record, after)
                Store((pk,)).commit([Put(record)])
        except ConditionFailed:
            continue  # somebody decided meanwhile, or the device asks twice at once
        raise _REFUSALS[answer]()
    raise LostRace("This device asked several times at the same moment.")


def _session(record: DeviceRecord, after: Waiting, now: datetime, make_id: MakeId, settings: Settings) -> SignedIn:
    user = str(record.user)
    profile, standing = get_profile(user), first_standing(user, settings)
    if profile is None:
        raise _REFUSALS[Answer.DENIED]()  # the person was erased meanwhile
    session, credential = sessions.device_session(
        user, standing.team, client=record.client, device_name=record.device_name, now=now, make_id=make_id
    )
    _apply(record, after)
    record.session = credential.session
    Store((record.pk, user_pk(user))).commit([Put(record), Put(session)])
    return SignedIn(user, profile.name, credential.session, standing, credential.written(REFRESH))


def _end(record: DeviceRecord, request: Asked) -> None:
    """Whoever asks again with the code of a device that has its tokens should not have it: nobody keeps the session."""
    session = sessions.find(record.user, record.session)
    if session is not None:
        told = {"user": record.user, "session": record.session}
        log().warning("a device code was used a second time: its session is revoked", extra=told)
        sessions.end(session, "revoke_session", request)


def _waiting_under(typed: str, now: datetime) -> DeviceRecord:
    code = read_user_code(typed)
    named = Store((code_pk(code),)).fetch(CodeRecord, code_pk(code), CODE) if code else None
    record = None
    if named is not None:
        pk = device_pk(named.device)
        record = Store((pk,)).fetch(DeviceRecord, pk, DEVICE)
    waits = record is not None and record.user_code == code and record.state == State.WAITING.value
    if record is None or not waits or now >= _waiting(record).ends_at:
        raise NotFound(
            "No device waits under that code.",
            remedy="Check the code; one works once, for ten minutes. `cygni login` shows a new one.",
        )
    return record


def _waiting(record: DeviceRecord) -> Waiting:
    return Waiting(State(record.state), timedelta(seconds=float(record.interval)), record.begun_at, record.asked_at)


def _apply(record: DeviceRecord, after: Waiting) -> None:
    record.state, record.interval, record.asked_at = after.state.value, after.interval.total_seconds(), after.asked_at


_LOGIN = "Begin again: `cygni login`."
_REFUSALS = {
    Answer.PENDING: lambda: GrantRefused(
        "Nobody has approved this device yet.",
        reason="authorization_pending",
        remedy="Approve it in the browser.",
    ),
    Answer.SLOW_DOWN: lambda: GrantRefused(
        "This device asks too often.", reason="slow_down", remedy="Wait five seconds longer between two requests."
    ),
    Answer.DENIED: lambda: GrantRefused("The sign-in was denied in the browser.", reason="access_denied", remedy=_LOGIN),
    Answer.EXPIRED: lambda: GrantRefused("The code was not approved in time.", reason="expired_token", remedy=_LOGIN),
    Answer.TAKEN_TWICE: lambda: GrantRefused("The device code is not valid here.", reason="invalid_grant", remedy=_LOGIN),
}
