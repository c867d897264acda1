"""People: who somebody is, told by the login that they came with.

A login is an issuer and a subject, and never an address: addresses change hands, and not every provider checks them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.members import refresh_names
from chalicelib.identity.models_people import LOGIN, PROFILE, LoginRecord, UserRecord, login_pk, user_pk
from chalicelib.identity.signin_rules import key_of
from chalicelib.platform.errors import LostRace
from chalicelib.platform.store import Store
from chalicelib.platform.table import ConditionFailed, Put

MakeId = Callable[[str, datetime], str]
TRIES = 4


@dataclass(frozen=True, slots=True)
class Person:
    """Who a provider says that somebody is. `email` is empty unless the provider vouches for it."""

    provider: str
    issuer: str
    subject: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A person as Cygni knows them."""

    id: str
    name: str
    email: str
    created_at: datetime


def admit(person: Person, now: datetime, make_id: MakeId) -> Profile:
    """The user that a login belongs to; made at its first sign-in, once, however many come at that moment. Raises Transient."""
    key = key_of(f"{person.issuer}\0{person.subject}")
    for _ in range(TRIES):
        login = Store((login_pk(key),)).fetch(LoginRecord, login_pk(key), LOGIN)
        try:
            return _known(str(login.user), person) if login is not None else _made(key, person, now, make_id)
        except ConditionFailed:
            continue
    raise LostRace("This login was used in several places at the same moment.")


def get_profile(user: str) -> Profile | None:
    """A user's profile; None when there is no such user (any more)."""
    record = Store((user_pk(user),)).fetch(UserRecord, user_pk(user), PROFILE)
    return None if record is None else _profile(record)


def _known(user: str, person: Person) -> Profile:
    """The profile, brought up to what the provider says now. Raises ConditionFailed when somebody else changes it."""
    store = Store((user_pk(user),))
    record = store.fetch(UserRecord, user_pk(user), PROFILE)
    if record is None:
        raise ConditionFailed([0])  # erased between the two reads, with the login
    if (record.name, record.email) != (person.name or record.name, person.email):
        record.name, record.email = person.name or record.name, person.email
        refresh_names(user, record.name, record.email)  # first, so that whoever is interrupted does it again
        store.commit([Put(record)])
    return _profile(record)


def _made(key: str, person: Person, now: datetime, make_id: MakeId) -> Profile:
    user = make_id("usr", now)
    profile = UserRecord(
        user_pk(user), PROFILE, name=person.name or "Somebody", email=person.email, logins=[key], created_at=now
    )
    login = LoginRecord(
        login_pk(key),
        LOGIN,
        user=user,
        issuer=person.issuer,
        subject=person.subject,
        provider=person.provider,
        created_at=now,
    )
    Store((user_pk(user), login_pk(key))).commit([Put(login), Put(profile)])
    return _profile(profile)


def _profile(record: UserRecord) -> Profile:
    return Profile(str(record.pk).removeprefix("USER#"), record.name, record.email, record.created_at)
