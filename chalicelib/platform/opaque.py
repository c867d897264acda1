"""Opaque cursors: a small JSON object in URL-safe base 64. Callers may keep them, not read them."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from chalicelib.platform.errors import Malformed


def encode_cursor(place: dict[str, Any]) -> str:
    """The cursor for a place in a list."""
    text = json.dumps(place, separators=(",", ":"), sort_keys=True)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> dict[str, Any]:
    """The place a cursor stands for; anything that `encode_cursor` did not write raises Malformed."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        place = None
    if not isinstance(place, dict):
        raise Malformed("The cursor is not one of ours.", remedy="Leave the cursor out to begin at the first page.")
    return place
