"""What the load generator saw, request by request, and what can be read from it. Pure: the times are those it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Seen:
    """One request: seconds since the epoch when it was sent, seconds it took, the status, and which revision answered.

    `revision` is the X-Cygni-Revision header, empty if there was none. `status` is 0 when no answer came; `error` says why.
    """

    sent: float
    took: float
    status: int
    revision: str
    error: str = ""

    @property
    def done(self) -> float:
        """When the answer was complete."""
        return self.sent + self.took

    @property
    def ok(self) -> bool:
        """Whether the answer was a good one."""
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Blemish:
    """Requests that failed though no bad canary is to blame: how many, and what the first of them was."""

    count: int
    first: str


def failures_of(seen: Iterable[Seen], revision: str) -> int:
    """How many requests a revision failed."""
    return sum(not each.ok for each in seen if each.revision == revision)


def requests_of(seen: Iterable[Seen], revision: str) -> int:
    """How many requests a revision answered."""
    return sum(each.revision == revision for each in seen)


def blemish(seen: Iterable[Seen], may_fail: frozenset[str]) -> Blemish | None:
    """Failures that count against the platform: all but a 5xx of a revision in `may_fail`. None if there are none."""
    bad = [each for each in seen if not each.ok and not (each.revision in may_fail and each.status >= 500)]
    return Blemish(len(bad), describe(bad[0])) if bad else None


def describe(seen: Seen) -> str:
    """A failed request in words."""
    if seen.status == 0:
        return f"no answer ({seen.error})"
    return f"status {seen.status} from {seen.revision or 'the gateway itself'}"


def time_to_zero(seen: Iterable[Seen], revision: str, slow: float) -> float | None:
    """Seconds from a revision's first bad answer (failed, or slower than `slow` seconds) to the last request that reached it.

    That last request is when its weight became 0, as traffic knows it. None if it never answered badly.
    """
    own = [each for each in seen if each.revision == revision]
    bad = [each.done for each in own if not each.ok or each.took > slow]
    if not bad:
        return None
    return max(0.0, max(each.sent for each in own) - min(bad))


def who_answers(seen: Sequence[Seen], since: float) -> Counter[str]:
    """How many of the requests sent since then were answered by each revision; `failed` for those that failed."""
    return Counter(each.revision if each.ok else "failed" for each in seen if each.sent >= since)
