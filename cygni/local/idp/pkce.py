"""Proof Key for Code Exchange, RFC 7636, with S256 only."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")  # RFC 7636, section 4.1
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # 256 bits in base64url


def challenge_of(verifier: str) -> str:
    """BASE64URL(SHA256(ASCII(verifier))), RFC 7636, section 4.2."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def is_challenge(text: str) -> bool:
    """Whether a text can be a challenge by S256."""
    return _CHALLENGE.fullmatch(text) is not None


def proves(verifier: str | None, challenge: str | None) -> bool:
    """Whether the verifier belongs to the challenge; where there was no challenge, there must be no verifier."""
    if challenge is None or verifier is None:
        return challenge is None and verifier is None
    return _VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(challenge_of(verifier), challenge)
