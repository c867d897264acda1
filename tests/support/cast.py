"""The standing cast: a team's Owner, Admin, Developer, Viewer, a Developer who is narrowed, an API key, a stranger, and nobody.

People come in as they would: the Owner founds the team, the others accept invitations, and each then signs in to it, with an
access token that says what they may do at that moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from botocore.client import BaseClient

from chalicelib.identity.standing import NOWHERE, standing_in
from tests.support.people import known, sign_in
from tests.support.world import Client, Fakes, Reply

SCOPES = [{"project": "hello", "environment": "staging"}]
"""What the narrowed Developer may touch."""
FRESH = timedelta(minutes=14)


class Person(Client):
    """Somebody who is signed in to a team, or to none. An access token that is about to expire is renewed."""

    def __init__(self, fakes: Fakes, name: str, team: str, realm: str = "") -> None:
        super().__init__(fakes)
        self.name, self.team, self.realm = name, team, realm
        self.user = self.renew()

    def __call__(self, *request: Any, **more: Any) -> Reply:
        if self.fakes.clock() - self.since >= FRESH:
            self.renew()
        return super().__call__(*request, **more)

    def renew(self) -> str:
        """Signs in, and answers with the person's id."""
        standing = standing_in(known(self.fakes, self.realm + self.name), self.team) if self.team else None
        found = sign_in(self.fakes, self.realm + self.name, standing or NOWHERE)
        self.key, self.since = found.access_token, self.fakes.clock()
        return found.user


@dataclass
class Cast:
    """Everybody, each as a client that is signed in; people and clients are made when they are first asked for."""

    fakes: Fakes
    users: dict[str, str] = field(default_factory=dict)
    realm: str = ""

    def person(self, name: str) -> str:
        """The id of a person who has signed in once."""
        if name not in self.users:
            self.users[name] = known(self.fakes, self.realm + name.title())
        return self.users[name]

    def sign_in(self, name: str, team: str = "") -> Client:
        """A person with a fresh access token for a team of theirs, or for none."""
        self.fakes.clock.sleep(1)  # a token that is minted in the very moment of a change is taken for one of before
        client = Person(self.fakes, name.title(), team, self.realm)
        self.users[name] = client.user
        return client

    def invite(self, role: str, by: Client | None = None, **more: Any) -> str:
        """The link of an invitation."""
        made = (by or self.owner).post("/v1/team/invitations", {"role": role, **more})
        assert made.status == 201, made.text
        return str(made.json["link"])

    def join(self, name: str, role: str, by: Client | None = None, **more: Any) -> Client:
        """Somebody who accepts an invitation, and signs in again to work in that team."""
        accepted = self.sign_in(name).post("/v1/invitations/accept", {"token": self.invite(role, by, **more)})
        assert accepted.status == 201, accepted.text
        return self.sign_in(name, accepted.json["id"])

    def raise_to_owner(self, name: str) -> Client:
        """Somebody who joins and is made a second Owner."""
        self.join(name, "admin")
        made = self.owner("PUT", f"/v1/team/members/{self.users[name]}", {"role": "owner"})
        assert made.status == 200, made.text
        return self.sign_in(name, self.team)

    def found(self, name: str, team: str) -> Client:
        """Somebody who founds a team and works in it."""
        made = self.sign_in(name).post("/v1/teams", {"name": team})
        assert made.status == 201, made.text
        return self.sign_in(name, made.json["id"])

    @cached_property
    def team(self) -> str:
        """The id of the team."""
        return str(self.owner.get("/v1/team").json["id"])

    @cached_property
    def owner(self) -> Client:
        return self.found("owner", "Crew")

    @cached_property
    def admin(self) -> Client:
        return self.join("admin", "admin")

    @cached_property
    def developer(self) -> Client:
        return self.join("developer", "developer")

    @cached_property
    def viewer(self) -> Client:
        return self.join("viewer", "viewer")

    @cached_property
    def narrowed(self) -> Client:
        return self.join("narrowed", "developer", scopes=SCOPES)

    @cached_property
    def key(self) -> Client:
        """A machine with a Developer's key."""
        return Client(self.fakes, key=self.new_key()["key"])

    @cached_property
    def stranger(self) -> Client:
        """The Owner of another team."""
        return self.found("stranger", "Elsewhere")

    @cached_property
    def nobody(self) -> Client:
        """Somebody without a credential."""
        client = Client(self.fakes)
        client.key = None
        return client

    def new_key(self, **body: Any) -> dict[str, Any]:
        """An API key, as it is shown once."""
        made = self.owner.post("/v1/team/keys", {"name": "ci", "role": "developer", **body})
        assert made.status == 201, made.text
        return dict(made.json)


@contextmanager
def meanwhile(*actions: Any) -> Iterator[list[Reply]]:
    """Has other requests come in between what a request reads and what it writes: before its first write, once.

    Answers what they got. It is botocore that is watched, so that nothing of ours is replaced.
    """
    replies: list[Reply] = []
    original, waiting = BaseClient._make_api_call, [list(actions)]

    def interrupted(client: Any, name: str, asked: dict[str, Any]) -> Any:
        if waiting and name in {"TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"}:
            for action in waiting.pop():
                replies.append(action())
        return original(client, name, asked)

    BaseClient._make_api_call = interrupted
    try:
        yield replies
    finally:
        BaseClient._make_api_call = original
