"""Names for the ids of people, API keys and trusted workflows. A list is fetched when the first id of its kind is met, once.

Where a list may not be read, or cannot be just now, ids are shown as they are: a name is no reason to fail.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice

from cygni.cli.api import every
from cygni.cli.errors import CliError
from cygni.cli.identity_api import IdentityApi
from cygni.cli.identity_shapes import Member

MOST = 1_000
"""Entries of a list that are looked at."""

_ID = re.compile(r"\b(usr|key|tru)_[0-9A-HJKMNP-TV-Z]{26}\b")


@dataclass(slots=True)
class People:
    """The names of a team's members, API keys and trusted workflows."""

    api: IdentityApi
    _members: list[Member] | None = field(default=None)
    _names: dict[str, dict[str, str]] = field(default_factory=dict)

    def members(self) -> list[Member]:
        """The team's members; none where they may not be listed."""
        if self._members is None:
            try:
                self._members = list(islice(every(lambda cursor: self.api.members(cursor=cursor)), MOST))
            except CliError:
                self._members = []
        return self._members

    def name(self, subject: str) -> str:
        """The name of somebody, or their id."""
        return self.named(subject)

    def named(self, text: str) -> str:
        """A text with the names of those whose ids are in it."""
        return _ID.sub(lambda match: self._known(match[1]).get(match[0], match[0]), text)

    def approvers(self) -> list[str]:
        """The names of who may approve anything in the team: Owners and Admins of the whole of it."""
        return [self.name(each["user"]) for each in self.members() if each["role"] in ("owner", "admin") and not each["scopes"]]

    def _known(self, kind: str) -> dict[str, str]:
        if kind not in self._names:
            self._names[kind] = self._people() if kind == "usr" else self._machines(kind)
        return self._names[kind]

    def _people(self) -> dict[str, str]:
        members = self.members()
        alike = Counter(each["name"] for each in members)
        return {
            each["user"]: each["name"] if alike[each["name"]] == 1 else f"{each['name']} ({each['email']})"
            for each in members
            if each["name"]
        }

    def _machines(self, kind: str) -> dict[str, str]:
        word, page = ("key", self.api.keys) if kind == "key" else ("job of", self.api.trusts)
        try:
            return {each["id"]: f"{word} {each['name']}" for each in islice(every(lambda cursor: page(cursor=cursor)), MOST)}
        except CliError:
            return {}
