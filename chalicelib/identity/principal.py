"""Who is asking, as every service receives it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from chalicelib.identity.rules import Grant, sees
from chalicelib.platform.errors import Forbidden
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.store import Store, Witness

OPERATOR = "admin"
"""What the holder of the installation's own key is called in timelines and in the audit trail."""


class Kind(StrEnum):
    """How a caller proved who it is."""

    OPERATOR = "operator"
    USER = "user"
    KEY = "key"
    FEDERATED = "federated"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    `subject` names it in timelines and in the audit trail. `store` reads and writes what its team has, and nothing else.
    `team` and `grant` are empty and None for a person who has not chosen a team. `since` is when its access token was minted,
    `session` the sign-in it belongs to; both are None and empty for other credentials.
    """

    subject: str
    kind: Kind
    team: str
    grant: Grant | None
    store: Store
    name: str = ""
    since: datetime | None = None
    session: str = ""

    def sees(self, project: str, environment: str | None = None) -> bool:
        """Whether the caller's grant reaches a project, or an environment of it, at all."""
        return self.grant is not None and sees(self.grant, project, environment)

    def person(self) -> str:
        """The id of the person who asks. Raises Forbidden for machines and for the operator's key, which are nobody's."""
        if self.kind is not Kind.USER:
            remedy = "Sign in as a person: `cygni login`."
            raise Forbidden("Only somebody who is signed in can do this for themselves.", remedy=remedy)
        return self.subject

    def store_in(self, team: str, *more: str) -> Store:
        """A store of a team that need not be the one its token is for, for what a person does about their own membership there.

        `more` are other owners. That team's audit trail hears of what is changed.
        """
        witness = self.store.witness
        return Store((f"TEAM#{team}", *more), witness.about(team) if witness is not None else None)

    def seen_by(self, witness: Witness) -> Principal:
        """The same caller, whose changes a witness joins."""
        return replace(self, store=self.store.seen_by(witness))
