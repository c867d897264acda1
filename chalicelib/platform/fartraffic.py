"""Traffic metrics of a cluster that another function reaches, since who asks does not load what that takes.

Readings travel as JSON, where no number is infinite: the bound of the last bucket is null.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chalicelib.platform.errors import CygniError, MetricsUnavailable
from chalicelib.platform.traffic import Reading

FUNCTION = "cygni-traffic"
Call = Callable[[str, Mapping[str, Any]], Any]
"""(function, event) → its answer. Raises CygniError."""


class FarMetrics:
    """`TrafficMetrics` by way of the function that reads them; `about` names the service, as its events do."""

    def __init__(self, call: Call, about: Mapping[str, str]) -> None:
        self._call, self._about = call, dict(about)

    def read(self, namespace: str, backends: Sequence[str]) -> Mapping[str, Reading]:  # noqa: ARG002 - see below
        """See TrafficMetrics. The namespace is the service's own, whatever is given: the function works it out by itself."""
        try:
            found = self._call(FUNCTION, {**self._about, "backends": list(backends)})
        except CygniError as error:
            raise MetricsUnavailable(f"The traffic metrics of the environment's cluster could not be read: {error}") from error
        return unpacked(found)

    def value(self, expression: str) -> float | None:
        """See TrafficMetrics: nobody who looks on asks for an expression."""
        raise MetricsUnavailable(f"{expression[:60]!r} is asked of the cluster by its rollout alone.")


def packed(readings: Mapping[str, Reading]) -> dict[str, Any]:
    """Readings as JSON has them."""
    return {backend: [each.requests, each.errors, _bounds(each), list(each.pods)] for backend, each in readings.items()}


def unpacked(found: Mapping[str, Any]) -> dict[str, Reading]:
    """What `packed` made. Raises MetricsUnavailable for anything else."""
    try:
        return {backend: _reading(*values) for backend, values in found.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise MetricsUnavailable(f"What read the traffic metrics gave no readings: {error}.") from None


def _bounds(reading: Reading) -> list[list[float | int | None]]:
    return [[None if math.isinf(bound) else bound, count] for bound, count in reading.buckets]


def _reading(requests: int, errors: int, buckets: Sequence[Sequence[Any]], pods: Sequence[Sequence[Any]]) -> Reading:
    bounds = tuple((math.inf if bound is None else float(bound), int(count)) for bound, count in buckets)
    return Reading(int(requests), int(errors), bounds, tuple((str(name), int(all_), int(bad)) for name, all_, bad in pods))
