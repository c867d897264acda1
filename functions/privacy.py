"""Erases a person from a team's audit trail: the API has taken away all that leads from their id to them."""

from __future__ import annotations

from typing import Any

from chalicelib.audit.service import erase_sources
from functions.observed import observed


@observed
def erase_user(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Takes a team and a user, and answers how many lines were blanked. Erasing twice is no error."""
    return {"erased": erase_sources(event["team"], event["user"])}
