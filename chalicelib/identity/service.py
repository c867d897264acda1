"""Who is asking: the façade of this context."""

from __future__ import annotations

import hashlib
import hmac

from chalicelib.identity.principal import Principal
from chalicelib.platform.errors import Forbidden, Unauthenticated

__all__ = ["Principal", "authenticate", "authorize"]

LONGEST_KEY = 512
"""Characters; a longer credential is refused before it is hashed."""


def authenticate(authorization: str | None, *, key_sha256: str, team: str) -> Principal:
    """The caller that an `Authorization: Bearer <key>` header proves. Raises Unauthenticated.

    `key_sha256` is the hex SHA-256 of the one admin key. Its 256 random bits make a slow hash needless. An installation
    without a key admits nobody.
    """
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key or len(key) > LONGEST_KEY:
        raise Unauthenticated("The request carries no bearer token.")
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    if not key_sha256 or not hmac.compare_digest(digest, key_sha256.lower()):
        raise Unauthenticated("The API key is not known here.", remedy="Check the key, and that it belongs to this endpoint.")
    return Principal("admin", team, frozenset({"*"}))


def authorize(who: Principal, permission: str) -> None:
    """Raises Forbidden unless the caller holds the permission."""
    if not who.may(permission):
        raise Forbidden(f"This needs the permission {permission}.")
