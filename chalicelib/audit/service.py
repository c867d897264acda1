"""The audit trail: the façade of this context."""

from __future__ import annotations

from chalicelib.audit.erasing import erase_sources
from chalicelib.audit.reading import Filter, Head, LinePage, get_head, list_lines
from chalicelib.audit.rules import Line, Linked
from chalicelib.audit.trail import Deed, Trail
from chalicelib.platform.store import Store

__all__ = [
    "Deed",
    "Filter",
    "Head",
    "Line",
    "LinePage",
    "Linked",
    "Trail",
    "erase_sources",
    "get_head",
    "list_lines",
    "record_refusal",
]


def record_refusal(store: Store, trail: Trail, code: str) -> None:
    """Writes the line of an attempt that was refused; `code` is the refusal's. Raises LostRace, Throttled."""
    trail.refused = code
    store.seen_by(trail).commit([])
