"""People who are signed in, without the way through a provider."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.identity.minting import Holder, Minter
from chalicelib.identity.models_people import user_pk
from chalicelib.identity.session_rules import REFRESH
from chalicelib.identity.sessions import device_session
from chalicelib.identity.standing import NOWHERE, Standing
from chalicelib.identity.users import Person, admit
from chalicelib.platform.store import Store
from chalicelib.platform.table import Put
from tests.support.world import Fakes


@dataclass(frozen=True)
class SignedIn:
    """Somebody's device: who it is, its session, and its two tokens."""

    user: str
    session: str
    access_token: str
    refresh_token: str


def known(fakes: Fakes, name: str) -> str:
    """The id of a person, who is made if they are new."""
    address = f"{name.lower()}@example.test"
    return admit(Person("local", "https://idp.test", name.lower(), name, address), fakes.clock(), fakes.ids).id


def sign_in(fakes: Fakes, name: str = "Ada", standing: Standing = NOWHERE) -> SignedIn:
    """Signs a person in, who is made if they are new; their access token says that they stand where it is said."""
    now, make_id = fakes.clock(), fakes.ids
    user = known(fakes, name)
    record, credential = device_session(
        user, standing.team, client="cygni-cli", device_name=f"{name}'s", now=now, make_id=make_id
    )
    Store((user_pk(user),)).commit([Put(record)])
    minter = Minter(fakes.keys, fakes.settings.issuer, fakes.settings.audience)
    holder = Holder(user, "user", name, credential.session)
    token = minter.access_token(holder, standing, now, make_id("tok", now))
    return SignedIn(user, credential.session, token, credential.written(REFRESH))
