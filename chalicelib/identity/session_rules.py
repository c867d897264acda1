"""Sessions and their refresh tokens: what follows a token, and what comes of one that is presented. Pure.

Invariants:
1. A session has one valid secret at a time. Each use replaces it by its successor, which only this secret and the session's
   pepper give: what the table holds (the pepper and a digest) is not enough to make one.
2. The same secret again within `REPEATS` gives the same successor, so that an answer which got lost is no harm.
3. A secret of this session that is neither valid nor just replaced was kept by somebody: the session ends.
4. What was never a secret of this session ends nothing: whoever knows no more than the session's id cannot log anybody out.
5. A session ends `SLIDING` after its last use and `ABSOLUTE` after its beginning, whichever comes first.

A secret is 32 bytes: 16 that nobody can guess, and a tag by the pepper over them that tells a secret of the session from
anything else (invariant 4) without remembering all that there ever were.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
from dataclasses import field, replace
from datetime import datetime, timedelta
from enum import Enum

from chalicelib.platform.frozen import dataclass
from chalicelib.platform.strict import decode_base64url, encode_base64url

SLIDING = timedelta(days=30)
ABSOLUTE = timedelta(days=90)
REPEATS = timedelta(seconds=10)
"""How long the secret before the valid one is taken once more: longer than a client waits for an answer."""

BROWSER_LIFE = timedelta(hours=12)
"""How long a browser stays signed in to our own pages."""

PEPPER_BYTES = 32
SEED_BYTES = 16
REFRESH, BROWSER = "cyr", "cyb"
"""What credentials of a session begin with: the refresh token of a device, the cookie of a browser."""

_CREDENTIAL = re.compile(r"([a-z]{3})_([0-7][0-9A-HJKMNP-TV-Z]{25})_([0-7][0-9A-HJKMNP-TV-Z]{25})_([A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody presents for a session: whose it is, which one, and the secret."""

    user: str
    session: str
    secret: str = field(repr=False)

    def written(self, prefix: str) -> str:
        """The credential as it is handed out."""
        return f"{prefix}_{self.user.removeprefix('usr_')}_{self.session.removeprefix('ses_')}_{self.secret}"


def read_credential(text: str, prefix: str) -> Credential | None:
    """What `written` wrote with this prefix; None for anything else."""
    match = _CREDENTIAL.fullmatch(text)
    if match is None or match[1] != prefix:
        return None
    return Credential(f"usr_{match[2]}", f"ses_{match[3]}", match[4])


@dataclass(frozen=True, slots=True)
class Chain:
    """The secrets of a session, as far as they are kept: the digest of the valid one, and when it became that."""

    digest: str
    pepper: bytes = field(repr=False)
    begun_at: datetime
    renewed_at: datetime

    @property
    def ends_at(self) -> datetime:
        """When the session is over if it is not used again."""
        return min(self.renewed_at + SLIDING, self.begun_at + ABSOLUTE)


class Presented(Enum):
    """What a secret that somebody presents is."""

    VALID = "the valid one"
    REPEATED = "the one before, once more"
    REUSED = "one of before, which only a thief or his victim can have"
    STRANGE = "none of this session's"
    OVER = "of a session that has ended"


def begun(pepper: bytes, seed: bytes, now: datetime) -> tuple[Chain, str]:
    """A new chain and its first secret, from PEPPER_BYTES and SEED_BYTES of randomness."""
    secret = _sealed(pepper, seed)
    return Chain(digest_of(secret), pepper, now, now), secret


def judge(chain: Chain, secret: str, now: datetime) -> Presented:
    """What comes of a secret."""
    if not _is_sealed(chain.pepper, secret):
        return Presented.STRANGE
    if now >= chain.ends_at:
        return Presented.OVER
    if hmac.compare_digest(digest_of(secret), chain.digest):
        return Presented.VALID
    follows = hmac.compare_digest(digest_of(successor(chain, secret)), chain.digest)
    return Presented.REPEATED if follows and now - chain.renewed_at <= REPEATS else Presented.REUSED


def successor(chain: Chain, secret: str) -> str:
    """The secret that follows one: always the same."""
    seed = hmac.digest(chain.pepper, b"next\0" + secret.encode(), "sha256")[:SEED_BYTES]
    return _sealed(chain.pepper, seed)


def renewed(chain: Chain, secret: str, now: datetime) -> Chain:
    """The chain once the successor of the valid secret has taken its place."""
    return replace(chain, digest=digest_of(successor(chain, secret)), renewed_at=now)


def digest_of(secret: str) -> str:
    """What is kept of a secret. 128 bits that nobody chose make a slow hash needless."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _sealed(pepper: bytes, seed: bytes) -> str:
    return encode_base64url(seed + _tag(pepper, seed))


def _is_sealed(pepper: bytes, secret: str) -> bool:
    try:
        data = decode_base64url(secret.encode())
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(data[SEED_BYTES:], _tag(pepper, data[:SEED_BYTES]))


def _tag(pepper: bytes, seed: bytes) -> bytes:
    return hmac.digest(pepper, b"seal\0" + seed, "sha256")[:SEED_BYTES]
