"""The witness of one request: adds its line to every commit, and keeps out whose token was overtaken by a change of rights."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Any

from chalicelib.audit.models import HEAD, HeadRecord, record_of
from chalicelib.audit.rules import Line, Outcome, changes_digest, digest_of, seal_of
from chalicelib.platform.clock import iso, parse_iso
from chalicelib.platform.errors import Unauthenticated
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.ids import find_id
from chalicelib.platform.store import NOTHING, Change, Notes
from chalicelib.platform.table import Place, Put, Write

TOKEN_LIFE = timedelta(minutes=15)
"""How long an access token is valid: a revocation is remembered a little longer than that."""
_REMEMBERED = TOKEN_LIFE + timedelta(minutes=1)
_Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Deed:
    """What a request is about to do. `source` is the caller's address, `since` when its token was minted (None: no token).

    `session` is the sign-in that the token belongs to. `retention` is for how many days the line is kept where the team has not
    set that. `creates` says that the id of what is made belongs to the resource's name.
    """

    team: str
    actor: str
    actor_kind: str
    operation: str
    resource: str
    request: str
    source: str
    now: datetime
    since: datetime | None
    retention: int
    creates: bool = False
    session: str = ""


@dataclass(slots=True)
class Trail:
    """The trail of one request, as its store's witness. `refused` is the code that the attempt was refused with."""

    deed: Deed
    refused: str = ""
    _head: HeadRecord | None = None
    _next: HeadRecord | None = None
    _before: dict[_Key, str] = field(default_factory=dict)

    @property
    def place(self) -> Place[HeadRecord]:
        """The team's newest line."""
        return HeadRecord, f"TEAM#{self.deed.team}", HEAD

    @property
    def ready(self) -> bool:
        """Whether the newest line is known."""
        return self._head is not None

    def learn(self, head: HeadRecord | None) -> None:
        """Takes the newest line."""
        self._head = head or HeadRecord(f"TEAM#{self.deed.team}", HEAD, seq=0, expires=0, revoked={})

    def saw(self, place: _Key, raw: dict[str, Any] | None) -> None:
        """Remembers what a record was before the change."""
        if raw is not None:
            self._before[place] = _digest(raw)

    def lines(self, changes: Sequence[Change], notes: Notes) -> list[Write]:
        """The line for these changes and the new head. Raises Unauthenticated for a token that was overtaken."""
        head = self._known()
        if self.refused:
            return self._append(head, Outcome.REFUSED, self.refused, (self.deed.resource, "", ""), NOTHING)
        refuse_overtaken(head, self.deed)
        touched = [(place, kind, request) for place, kind, request in changes if kind != "ConditionCheck"]
        before = changes_digest(self._before[place] for place, _, _ in touched if place in self._before)
        after = changes_digest(_digest(request["Item"]) for _, kind, request in touched if kind == "Put")
        resource = self.deed.resource + (_created(touched) if self.deed.creates else "")
        return self._append(head, Outcome.DONE, "", (resource, before, after), notes)

    def done(self) -> None:
        """What was appended is the newest line now."""
        self._head = self._next
        if self._head is not None:
            self._head.version = int(self._head.version or 0) + 1

    def about(self, team: str) -> Trail:
        """The trail of what the same request does in another team, where its access token says nothing."""
        return Trail(replace(self.deed, team=team, since=None))

    def _known(self) -> HeadRecord:
        if self._head is None:
            raise AssertionError("the newest line was not read")
        return self._head

    def _append(self, head: HeadRecord, outcome: Outcome, code: str, what: tuple[str, str, str], notes: Notes) -> list[Write]:
        deed, salt = self.deed, secrets.token_urlsafe(9)
        resource, before, after = what
        days = notes.retention or int(head.retention or deed.retention)
        line = Line(
            team=deed.team,
            seq=int(head.seq) + 1,
            at=iso(deed.now),
            actor=deed.actor,
            actor_kind=deed.actor_kind,
            operation=deed.operation,
            resource=resource,
            outcome=outcome.value,
            code=code,
            request=deed.request,
            before=before,
            after=after,
            seal=seal_of(deed.source, salt),
            expires=int((deed.now + timedelta(days=days)).timestamp()),
            previous_expires=int(head.expires),
            previous=head.digest,
        )
        digest = digest_of(line)
        following = HeadRecord(head.pk, head.sk, seq=line.seq, digest=digest, expires=line.expires)
        following.revoked = remembered(head.revoked or {}, notes.revoked, deed.now)
        following.retention = notes.retention or head.retention
        if head.version is not None:
            following.version = head.version
        self._next = following
        record = record_of(line, digest, deed.source, salt)
        return [Put(following), Put(record, type(record).pk.does_not_exist())]


def refuse_overtaken(head: HeadRecord, deed: Deed) -> None:
    """Raises Unauthenticated when the actor's rights changed, or its session ended, after its token was minted."""
    revoked = head.revoked or {}
    if deed.session in revoked:
        raise Unauthenticated("You have signed out here.", remedy="Sign in again: `cygni login`.")
    changed = revoked.get(deed.actor)
    if changed is not None and deed.since is not None and deed.since <= parse_iso(changed):
        raise Unauthenticated(
            "Your rights in this team have changed since you signed in.", remedy="Sign in again: `cygni login`."
        )


def remembered(known: dict[str, str], revoked: Sequence[str], now: datetime) -> dict[str, str]:
    """Whose tokens count no more: those known that tokens of before may still outlive, and the new ones."""
    kept = {subject: at for subject, at in known.items() if parse_iso(at) > now - _REMEMBERED}
    return {**kept, **{subject: iso(now) for subject in revoked}}


def _created(touched: Sequence[Change]) -> str:
    """The id of what a commit makes: the first that one of its new records has or is keyed by."""
    for _, kind, request in touched:
        item = request.get("Item", {}) if kind == "Put" else {}
        for name in ("id", "sk", "pk"):
            found = find_id(item.get(name, {}).get("S", ""))
            if found:
                return f"/{found}"
    return ""


def _digest(raw: dict[str, Any]) -> str:
    text = json.dumps(raw, sort_keys=True, separators=(",", ":"), default=_text)
    return hashlib.sha256(text.encode()).hexdigest()


def _text(value: object) -> str:
    return bytes(value).hex() if isinstance(value, (bytes, bytearray, memoryview)) else str(value)
