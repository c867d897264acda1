"""What was handed out and what it is good for.

1. A code is good once, for `CODE_SECONDS`, for the client and the redirect URI it was made for, with the verifier of its
   challenge. Whoever presents it uses it up, right or wrong.
2. A code that comes twice ends the access token that the first time gave: one of the two was a thief (RFC 6749, 4.1.2).
3. An access token is good for `TOKEN_SECONDS`.

All of it is kept in memory only: a restart ends sign-ins under way and access tokens, and nobody's identity.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from enum import Enum

from cygni.local.idp.people import Person
from cygni.local.idp.pkce import proves

CODE_SECONDS = 60.0
TOKEN_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person allowed: who, to which client, for which scopes. `signed_in_at` is Unix time."""

    person: Person
    client_id: str
    redirect_uri: str
    scopes: tuple[str, ...]
    signed_in_at: int
    challenge: str | None = None
    nonce: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What comes with a code. A `redirect_uri` of None is not compared: GitHub lets it be left out."""

    client_id: str
    redirect_uri: str | None
    verifier: str | None


@dataclass(frozen=True, slots=True)
class Issued:
    """A code that was given out."""

    grant: Grant
    expires_at: float
    used: bool = False
    token: str | None = None


class Refusal(Enum):
    """Why a code is not taken."""

    UNKNOWN = "The code is not one of this provider's, or is long over."
    USED = "The code was used before; each is good once."
    EXPIRED = "The code is older than 60 seconds."
    CLIENT = "The code was made for another client."
    REDIRECT_URI = "redirect_uri is missing or is not the one that the code was made for."
    VERIFIER = "code_verifier is missing or does not belong to the challenge."


def judge(issued: Issued, attempt: Attempt, now: float) -> Refusal | None:
    """Why a code is refused, the strongest reason first; None when it is good."""
    if issued.used:
        return Refusal.USED
    if now >= issued.expires_at:
        return Refusal.EXPIRED
    if attempt.client_id != issued.grant.client_id:
        return Refusal.CLIENT
    if attempt.redirect_uri is not None and attempt.redirect_uri != issued.grant.redirect_uri:
        return Refusal.REDIRECT_URI
    if not proves(attempt.verifier, issued.grant.challenge):
        return Refusal.VERIFIER
    return None


class Ledger:
    """The codes and access tokens of one protocol; none is good in another's ledger. Times are Unix seconds."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._codes: dict[str, Issued] = {}
        self._tokens: dict[str, tuple[Grant, float]] = {}

    def issue_code(self, grant: Grant, now: float) -> str:
        """A new code for a grant."""
        # A used code is remembered for as long as the token it gave, so that a second use can end that token.
        self._codes = {code: each for code, each in self._codes.items() if now < each.expires_at + TOKEN_SECONDS}
        code = secrets.token_urlsafe(32)
        self._codes[code] = Issued(grant, now + CODE_SECONDS)
        return code

    def redeem(self, code: str, attempt: Attempt, now: float) -> tuple[Grant, str] | Refusal:
        """The grant of a code and a new access token for it, or why not. Uses the code up either way."""
        issued = self._codes.get(code)
        if issued is None:
            return Refusal.UNKNOWN
        refusal = judge(issued, attempt, now)
        if refusal is None:
            token = self._issue_token(issued.grant, now)
            self._codes[code] = replace(issued, used=True, token=token)
            return issued.grant, token
        if refusal is Refusal.USED:
            self._tokens.pop(issued.token or "", None)
        self._codes[code] = replace(issued, used=True)
        return refusal

    def grant_of(self, token: str, now: float) -> Grant | None:
        """What an access token is good for; None when it is good for nothing."""
        grant, expires_at = self._tokens.get(token, (None, 0.0))
        return grant if now < expires_at else None

    def _issue_token(self, grant: Grant, now: float) -> str:
        self._tokens = {token: each for token, each in self._tokens.items() if now < each[1]}
        token = self._prefix + secrets.token_urlsafe(32)
        self._tokens[token] = (grant, now + TOKEN_SECONDS)
        return token
