"""Whether an invocation is the first of its function in this process, which had to load everything that it needs."""

from __future__ import annotations

_WARM: set[str] = set()


def is_cold(function: str) -> bool:
    """True the first time it is asked of a function, and never again in this process."""
    if function in _WARM:
        return False
    _WARM.add(function)
    return True
