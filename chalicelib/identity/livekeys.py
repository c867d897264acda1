"""The signing keys as a process that mints or verifies knows them: a copy of the secret, never much older than FRESH."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from chalicelib.identity.es256 import Check, checker
from chalicelib.identity.keptcopy import KeptCopy
from chalicelib.identity.proven import ProvenTokens
from chalicelib.identity.signing import SigningKey, from_text, jwks, signer
from chalicelib.platform.clock import Clock
from chalicelib.platform.errors import SecretsUnavailable

FRESH = timedelta(seconds=45)
"""A copy older than this is read again. With the few seconds that a read may take, a revoked key is refused within 60."""

PROVEN_TOKENS = 1000


class KnownKeys:
    """One reading of the secret. The tokens that were proven by its keys go with it, so that no revocation is missed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.keys = from_text(text)
        self.proven: ProvenTokens[Any] = ProvenTokens(PROVEN_TOKENS)
        self._named = {each.kid: each for each in self.keys.keys}
        self._checks: dict[str, Check] = {}

    def find(self, kid: str) -> SigningKey | None:
        """The key of this name, whatever has become of it."""
        return self._named.get(kid)

    def check_of(self, key: SigningKey) -> Check:
        """The signature check of a key, made at its first use. Raises SecretsUnavailable for a key that is none."""
        found = self._checks.get(key.kid)
        if found is None:
            try:
                found = self._checks[key.kid] = checker(key.public_jwk)
            except ValueError:
                raise SecretsUnavailable(f"The signing key {key.kid} cannot be used.") from None
        return found


class LiveKeys:
    """The keys in use. `read` gives the secret's text, or None when there is none; its errors are Cygni's.

    KeptCopy says what happens when the secret cannot be read, and how often it is. Safe for threads.
    """

    def __init__(self, read: Callable[[], str | None], clock: Clock) -> None:
        self._read, self._clock = read, clock
        self._kept = KeptCopy(self._load, clock, fresh=FRESH, what="The signing keys")

    def current(self) -> KnownKeys:
        """The keys as they were at most FRESH ago, or as last known. Raises Transient when they were never known."""
        return self._kept.get()

    def look_again(self) -> KnownKeys:
        """For whoever met a key that `current` does not have: the keys after another look, at most one in ten seconds."""
        return self._kept.look_again()

    def signer(self) -> SigningKey:
        """The key to sign with now. Raises SecretsUnavailable when there is none."""
        found = signer(self.current().keys, self._clock())
        if found is None:
            raise SecretsUnavailable("No key signs access tokens yet.", remedy=_ROTATE)
        return found

    def jwks(self) -> dict[str, Any]:
        """The public keys, for those who verify tokens elsewhere."""
        return jwks(self.current().keys, self._clock())

    def _load(self, before: KnownKeys | None) -> KnownKeys:
        text = self._read()
        if text is None:
            raise SecretsUnavailable("There are no signing keys.", remedy=_ROTATE)
        if before is not None and before.text == text:
            return before
        try:
            return KnownKeys(text)
        except ValueError as error:
            raise SecretsUnavailable(f"The signing keys cannot be used: {error}.") from None


_ROTATE = "Invoke the function cygni-rotate-signing-keys once: it makes the first key."
