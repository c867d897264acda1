"""Checks of registered clusters: of one when it is asked for, and of all by a schedule."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chalicelib.platform.clock import utc_now
from chalicelib.runtime import registry
from functions.observed import observed
from functions.ports import cluster_to_check

_AT_ONCE = 16


@observed
def check(event: dict[str, Any], _context: object) -> None:
    """Takes a team and the name of its cluster, and records what was found."""
    registry.check_cluster(event["team"], event["name"], connect=cluster_to_check, now=utc_now())


@observed
def check_all(_event: dict[str, Any], _context: object) -> dict[str, int]:
    """Answers how many clusters have each state."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:  # those that do not answer take their seconds side by side
        found = Counter(each.value for each in pool.map(_checked, registry.registered_clusters()) if each is not None)
    return dict(found)


def _checked(place: tuple[str, str]) -> registry.Health | None:
    return registry.check_cluster(*place, connect=cluster_to_check, now=utc_now())
