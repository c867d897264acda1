"""Replacing the signing keys in their secret: by schedule, and when one is no longer to be trusted.

Both may run any number of times, and at the same time as each other: a change gets in only if what it was decided from is
still there, and whoever loses decides again. The version's name is a digest of what was read, so that the store sees it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chalicelib.identity import signing
from chalicelib.identity.keymaking import make_key
from chalicelib.identity.signing import POLICY, KeyPolicy, KeySet, MakeKey
from chalicelib.platform.errors import LostRace, NotFound, SecretsUnavailable

ATTEMPTS = 5


class SecretStore(Protocol):
    """What is needed of `platform.secrets.Secrets`, which says what the two promise."""

    def read(self, name: str) -> str | None:
        """The value, or None."""

    def write(self, name: str, value: str, *, token: str) -> None:
        """Makes `value` the newest version, under this token once and for all."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """The keys after a rotation: the one that signs now, those announced to sign later, those that only verify."""

    signs: str
    announced: tuple[str, ...]
    verify: tuple[str, ...]


def rotate(secrets: SecretStore, name: str, now: datetime, *, make: MakeKey = make_key, policy: KeyPolicy = POLICY) -> Rotation:
    """Brings the keys of a secret up to the schedule; makes the first when there is none. Raises Transient."""
    return _report(_change(secrets, name, lambda keys: signing.rotated(keys, now, make, policy)), now)


def revoke(
    secrets: SecretStore, name: str, kid: str, now: datetime, *, make: MakeKey = make_key, policy: KeyPolicy = POLICY
) -> Rotation:
    """Ends all trust in a key; within a minute no process takes its tokens. Raises NotFound for one that is not there."""

    def change(keys: KeySet) -> KeySet:
        try:
            return signing.revoked(keys, kid, now, make, policy)
        except KeyError:
            raise NotFound(f"There is no signing key {kid[:64]!r}.", remedy="Name a `kid` of the published key set.") from None

    return _report(_change(secrets, name, change), now)


def _change(secrets: SecretStore, name: str, decide: Callable[[KeySet], KeySet]) -> KeySet:
    for _ in range(ATTEMPTS):
        text = secrets.read(name)
        before = KeySet() if text is None else _parsed(text, name)
        after = decide(before)
        if after == before:
            return before
        try:
            secrets.write(name, signing.to_text(after), token=hashlib.sha256((text or "").encode()).hexdigest())
        except LostRace:
            continue
        return after
    raise LostRace(f"Others kept changing the secret {name}.")


def _parsed(text: str, name: str) -> KeySet:
    try:
        return signing.from_text(text)
    except ValueError as error:
        remedy = "Restore an earlier version of the secret; deleting it makes everybody sign in again."
        raise SecretsUnavailable(f"The keys in {name} cannot be used: {error}.", remedy=remedy) from None


def _report(keys: KeySet, now: datetime) -> Rotation:
    signs = signing.signer(keys, now)
    others = [each for each in signing.verifiers(keys, now) if each is not signs]
    announced = tuple(each.kid for each in others if each.signs_from > now)
    return Rotation(signs.kid if signs else "", announced, tuple(each.kid for each in others if each.signs_from <= now))
