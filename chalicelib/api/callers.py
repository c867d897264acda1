"""What is known of a caller who brings no credential: an address to hold to a limit, and what the audit trail is told."""

from __future__ import annotations

from chalicelib.api.routes import AnyCall
from chalicelib.identity.asked import Asked


def limit(call: AnyCall, what: str, per_minute: int, who: str = "") -> None:
    """Holds a caller to a limit for `what` it does: by its address, or as `who`. Raises RateLimited."""
    call.world.limits.admit(f"{what}:{who or 'ip:' + call.sender.source}", call.now, per_minute=per_minute)


def asked_by(call: AnyCall) -> Asked:
    """The request, as far as the audit trail tells of it."""
    return Asked(call.now, call.sender.source, call.sender.request, call.world.settings.audit_retention)
