"""Who can sign in: a few people that tests and the demo know, and anybody with an address and a name."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

NAME_LIMIT, ADDRESS_LIMIT = 100, 254

_ADDRESS = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(?:\.[a-z0-9-]+)*")
_NOT_LOGIN = re.compile(r"[^a-z0-9]+")
_LOGIN_LIMIT = 34  # with a dash and four digits it stays within GitHub's 39


class NotAPerson(ValueError):
    """What was typed names nobody; the message says which field and why."""


@dataclass(frozen=True, slots=True)
class Address:
    """One of a person's addresses, as GitHub lists them."""

    email: str
    primary: bool
    verified: bool


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in. `email` is in lower case; `verified` says whether the provider vouches for it.

    `public` says whether GitHub shows the address in the profile. `others` are further addresses that GitHub lists.
    """

    email: str
    name: str
    verified: bool = True
    public: bool = True
    login: str = ""
    others: tuple[Address, ...] = ()

    @property
    def subject(self) -> str:
        """The `sub` of this person: the same for the same address, always, and nothing that tells the address."""
        return f"person-{_digest(self.email)[:24]}"

    @property
    def github_id(self) -> int:
        """The number that GitHub would know this person by; the same for the same address."""
        return int(_digest(self.email)[:10], 16) + 1

    @property
    def github_login(self) -> str:
        """The name of the account at GitHub: a known person's own, else the address's local part and four digits."""
        if self.login:
            return self.login
        local = _NOT_LOGIN.sub("-", self.email.partition("@")[0]).strip("-")[:_LOGIN_LIMIT] or "someone"
        return f"{local.rstrip('-')}-{_digest(self.email)[-4:]}"

    @property
    def public_email(self) -> str | None:
        """The address in the profile at GitHub, which may be None."""
        return self.email if self.public and self.verified else None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """All addresses, the primary one first."""
        return (Address(self.email, primary=True, verified=self.verified), *self.others)


KNOWN = (
    Person("ada@example.test", "Ada", login="ada"),
    Person("grace@example.test", "Grace", login="grace", others=(Address("grace@navy.example.test", False, False),)),
    Person("linus@example.test", "Linus", login="linus", public=False),
)
"""Whom the page offers. Grace has a second address that nobody verified; Linus shows none in his profile at GitHub."""


def known(email: str) -> Person | None:
    """The known person with this address."""
    return next((each for each in KNOWN if each.email == email.strip().lower()), None)


def typed(email: str, name: str, *, verified: bool) -> Person:
    """The person that somebody typed. The address of a known person is that person, whatever the name. Raises NotAPerson."""
    email, name = email.strip().lower(), name.strip()
    if not email:
        raise NotAPerson("Type an address, such as somebody@example.test.")
    if len(email) > ADDRESS_LIMIT or not _ADDRESS.fullmatch(email):
        raise NotAPerson("The address is not one of mail; it looks like somebody@example.test.")
    if len(name) > NAME_LIMIT:
        raise NotAPerson(f"The name has {len(name)} characters; {NAME_LIMIT} are the most.")
    if any(not each.isprintable() for each in name):
        raise NotAPerson("The name has characters that cannot be printed; leave them out.")
    found = known(email)
    if found is not None and verified:
        return found
    return Person(email, name or email.partition("@")[0], verified=verified)


def _digest(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()
