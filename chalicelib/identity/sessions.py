"""Sessions: where a person is signed in, by a device or a browser, until they sign out there or it grows old."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field, replace
from datetime import datetime

from chalicelib.audit.service import Trail
from chalicelib.identity.asked import Asked
from chalicelib.identity.models_people import PROFILE, SESSIONS, SessionRecord, UserRecord, session_sk, user_pk
from chalicelib.identity.principal import Kind, Principal
from chalicelib.identity.regions import refuse_other_region
from chalicelib.identity.session_rules import (
    BROWSER,
    BROWSER_LIFE,
    PEPPER_BYTES,
    REFRESH,
    SEED_BYTES,
    Chain,
    Credential,
    Presented,
    begun,
    digest_of,
    judge,
    read_credential,
    renewed,
    successor,
)
from chalicelib.identity.standing import NOWHERE, Standing, standing_in
from chalicelib.identity.users import MakeId
from chalicelib.platform.errors import GrantRefused, LostRace, NotFound
from chalicelib.platform.logs import log
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Notes, Store
from chalicelib.platform.strict import encode_base64url
from chalicelib.platform.table import ConditionFailed, Put, Remove

BROWSER_CLIENT = "browser"
TRIES = 4


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in that has not ended. `used_at` is when its tokens were renewed last."""

    id: str
    client: str
    device_name: str
    created_at: datetime
    used_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A device's session: whose it is, where the person stands, and the refresh token to use next."""

    user: str
    name: str
    session: str
    standing: Standing
    refresh_token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is signed in in a browser. `secret` is what its forms are bound to."""

    user: str
    name: str
    email: str
    session: str
    secret: str = field(repr=False)


def device_session(
    user: str, team: str, *, client: str, device_name: str, now: datetime, make_id: MakeId
) -> tuple[SessionRecord, Credential]:
    """A new session of a device, to be saved by the caller, and its first credential."""
    pepper = secrets.token_bytes(PEPPER_BYTES)
    chain, secret = begun(pepper, secrets.token_bytes(SEED_BYTES), now)
    credential = Credential(user, make_id("ses", now), secret)
    record = _record(credential, client, chain.digest, now)
    record.pepper, record.device_name, record.team = pepper, device_name, team
    record.expires_at = chain.ends_at
    return record, credential


def open_browser(user: str, now: datetime, make_id: MakeId) -> str:
    """Signs a person in in a browser; what its cookie holds."""
    credential = Credential(user, make_id("ses", now), encode_base64url(secrets.token_bytes(32)))
    record = _record(credential, BROWSER_CLIENT, digest_of(credential.secret), now)
    record.expires_at = now + BROWSER_LIFE
    Store((user_pk(user),)).commit([Put(record)])
    return credential.written(BROWSER)


def visitor(cookie: str, now: datetime) -> Visitor | None:
    """Who the cookie of a browser belongs to; None for whatever is no cookie of ours, or no longer."""
    credential = read_credential(cookie, BROWSER)
    if credential is None:
        return None
    record, profile = _load(credential)
    if record is None or profile is None or record.client != BROWSER_CLIENT or now >= record.created_at + BROWSER_LIFE:
        return None
    if not hmac.compare_digest(digest_of(credential.secret), str(record.digest)):
        return None
    return Visitor(credential.user, profile.name, profile.email, credential.session, credential.secret)


def person_of(who: Visitor, trail: Trail) -> Principal:
    """A browser's visitor as the caller of what people do for themselves; `trail` is told of it. They stand in no team."""
    return Principal(who.user, Kind.USER, "", None, Store((), trail), name=who.name, session=who.session)


def refresh(token: str, team: str | None, asked: Asked, settings: Settings) -> SignedIn:
    """The next refresh token of a session, and where its person stands: in `team` if one is named, else where it was last.

    Raises GrantRefused, WrongRegion, and Transient. A token that was used before ends its session.
    """
    credential = read_credential(token, REFRESH)
    if credential is None:
        raise _no_token()
    for _ in range(TRIES):
        record, profile = _load(credential)
        if record is None or profile is None or record.pepper is None:
            raise _no_token()
        chain = chain_of(record)
        presented = judge(chain, credential.secret, asked.now)
        if presented is Presented.REUSED:
            end(record, "revoke_session", asked)
            told = {"user": record.user, "session": record.id, "client": record.client}
            log().warning("a refresh token was used a second time: its session is revoked", extra=told)
        if presented not in (Presented.VALID, Presented.REPEATED):
            raise _no_token()
        standing = _standing(record, team)
        refuse_other_region(settings, standing.region)
        try:
            _save(record, chain, credential, standing, asked.now, valid=presented is Presented.VALID)
        except ConditionFailed:
            continue  # the same token at the same moment: by now it is a repeated one
        following = replace(credential, secret=successor(chain, credential.secret))
        return SignedIn(record.user, profile.name, record.id, standing, following.written(REFRESH))
    raise LostRace("This session was renewed several times at the same moment.")


def chain_of(record: SessionRecord) -> Chain:
    """The secrets of a device's session."""
    return Chain(str(record.digest), bytes(record.pepper or b""), record.created_at, record.renewed_at)


def list_sessions(user: str, now: datetime, *, cursor: str | None, limit: int) -> tuple[list[Session], str | None]:
    """A page of a person's sessions, newest first, and the cursor of the next."""
    store = Store((user_pk(user),))
    found, after = store.page(SessionRecord, user_pk(user), SESSIONS, cursor=cursor, limit=limit, newest_first=True)
    alive = [each for each in found if now < each.expires_at]  # what has expired is deleted some time later
    return [Session(each.id, each.client, each.device_name, each.created_at, each.renewed_at) for each in alive], after


def find(user: str, session: str) -> SessionRecord | None:
    """A session of this person, or None."""
    return Store((user_pk(user),)).fetch(SessionRecord, user_pk(user), session_sk(session))


def end_session(user: str, session: str, operation: str, asked: Asked) -> None:
    """Ends one of a person's own sessions, as `end` does. Raises NotFound for one that is not there (any more)."""
    record = find(user, session)
    if record is None:
        raise NotFound("There is no session of that name.", remedy="List your sessions; ended ones are not shown.")
    end(record, operation, asked)


def end(record: SessionRecord, operation: str, asked: Asked) -> None:
    """Ends a session. Its access tokens change nothing in its team from now on, and the team's audit trail says so."""
    user, team = record.user, str(record.team)
    store, notes = Store((user_pk(user),)), Notes()
    if team and standing_in(user, team) is not None:
        trail = asked.trail(team, user, Kind.USER, operation, f"me/sessions/{record.id}")
        store, notes = Store((user_pk(user), f"TEAM#{team}"), trail), Notes(revoked=(record.id,))
    store.commit([Remove(SessionRecord, str(record.pk), str(record.sk))], notes)


def _load(credential: Credential) -> tuple[SessionRecord | None, UserRecord | None]:
    pk = user_pk(credential.user)
    session, profile = Store((pk,)).together((SessionRecord, pk, session_sk(credential.session)), (UserRecord, pk, PROFILE))
    return session, profile


def _record(credential: Credential, client: str, digest: str, now: datetime) -> SessionRecord:
    return SessionRecord(
        user_pk(credential.user),
        session_sk(credential.session),
        client=client,
        digest=digest,
        created_at=now,
        renewed_at=now,
    )


def _standing(record: SessionRecord, team: str | None) -> Standing:
    """Where the session's person stands. Raises GrantRefused for a team that was named and is not theirs."""
    found = standing_in(record.user, team or str(record.team)) if team or record.team else NOWHERE
    if found is None and team:
        raise GrantRefused(
            "You are not a member of that team, or there is none.",
            reason="invalid_target",
            remedy="Choose one of yours: `cygni team`.",
        )
    return found or NOWHERE


def _save(
    record: SessionRecord, chain: Chain, credential: Credential, standing: Standing, now: datetime, *, valid: bool
) -> None:
    """Raises ConditionFailed when somebody else renewed the session first."""
    if not valid and record.team == standing.team:
        return
    if valid:
        after = renewed(chain, credential.secret, now)
        record.digest, record.renewed_at, record.expires_at = after.digest, now, after.ends_at
    record.team = standing.team
    Store((record.pk,)).commit([Put(record)])


def _no_token() -> GrantRefused:
    return GrantRefused("The refresh token is not valid here.", reason="invalid_grant", remedy="Sign in again: `cygni login`.")
