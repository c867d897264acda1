"""Every day, and whenever a key must no longer be trusted: the keys that sign access tokens are replaced."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chalicelib.identity import rotation
from chalicelib.platform.clock import utc_now
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import settings
from functions.observed import observed


@observed
def rotate_signing_keys(_event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answers which key signs, which will, and which only verify. Running it again changes nothing that is not due."""
    known = settings()
    return asdict(rotation.rotate(Secrets(known.secrets_key), known.signing_secret, utc_now()))


@observed
def revoke_signing_key(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Takes the key's `kid`; answers as the rotation does. Revoking a key twice is revoking it once."""
    known = settings()
    return asdict(rotation.revoke(Secrets(known.secrets_key), known.signing_secret, str(event.get("kid", "")), utc_now()))
