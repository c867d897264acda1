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


def sign_in(fakes: Fakes, name: str = "Ada", standing: Standing = NOWHERE) -> SignedIn:
    """Signs a person in, who is made if they are new; their access token says that they stand where it is said."""
    now, make_id = fakes.clock(), fakes.ids
    address = f"{name.lower()}@example.test"
    profile = admit(Person("local", "https://idp.test", name.lower(), name, address), now, make_id)
    record, credential = device_session(
        profile.id, standing.team, client="cygni-cli", device_name=f"{name}'s", now=now, make_id=make_id
    )
    Store((user_pk(profile.id),)).commit([Put(record)])
    minter = Minter(fakes.keys, fakes.settings.issuer, fakes.settings.audience)
    holder = Holder(profile.id, "user", name, credential.session)
    token = minter.access_token(holder, standing, now, make_id("tok", now))
    return SignedIn(profile.id, credential.session, token, credential.written(REFRESH))
