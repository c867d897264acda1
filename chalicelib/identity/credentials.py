"""What API keys and invitations look like: whose they are is in them, so that one read finds their record. Pure.

    API key       cyg_<team, 26 characters><key, 26>_<secret, 43>
    invitation    <team, 26><invitation, 26>_<secret, 43>, in a link behind a #, which browsers do not send

A secret is 256 random bits in URL-safe base 64; its record keeps the SHA-256 of it, since what nobody chose needs no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import field

from chalicelib.platform.frozen import dataclass

SECRET_BYTES = 32
API_KEY = "cyg_"
PAGE = "/v1/invitations"
"""The page that an invitation's link opens."""

_ULID = "[0-7][0-9A-HJKMNP-TV-Z]{25}"
_TOKEN = re.compile(rf"({_ULID})({_ULID})_([A-Za-z0-9_-]{{43}})")


@dataclass(frozen=True, slots=True)
class Credential:
    """What somebody presents: ids of the team and of the record, and the secret."""

    team: str
    id: str
    secret: str = field(repr=False)


def api_key(team: str, key: str, secret: str) -> str:
    """An API key as it is handed out, once."""
    return f"{prefix_of(team, key)}_{secret}"


def prefix_of(team: str, key: str) -> str:
    """What an API key begins with, which is no secret."""
    return API_KEY + _bare(team) + _bare(key)


def read_api_key(text: str) -> Credential | None:
    """The parts of what `api_key` wrote; None for anything else."""
    return _read(text.removeprefix(API_KEY), "key") if text.startswith(API_KEY) else None


def invitation_link(issuer: str, team: str, invitation: str, secret: str) -> str:
    """The link of an invitation, as it is handed out, once."""
    return f"{issuer.rstrip('/')}{PAGE}#{_bare(team)}{_bare(invitation)}_{secret}"


def read_invitation(text: str) -> Credential | None:
    """The parts of an invitation's link, or of what is behind its #; None for anything else."""
    return _read(text.strip().rpartition("#")[2], "inv")


def digest_of(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_of(secret: str, digest: str) -> bool:
    """Whether a digest is this secret's, found out in a time that does not depend on it."""
    return hmac.compare_digest(digest_of(secret), digest)


def _read(text: str, kind: str) -> Credential | None:
    match = _TOKEN.fullmatch(text)
    return None if match is None else Credential(f"team_{match[1]}", f"{kind}_{match[2]}", match[3])


def _bare(text: str) -> str:
    return text.rpartition("_")[2]
