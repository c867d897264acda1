"""What the gateway decides about one request; pure.

1. A host matches exactly or by a leading wildcard of whole labels: `*.x` takes `a.x` and `b.a.x`, never `x`.
2. A path prefix matches whole segments: `/shop` takes `/shop` and `/shop/1`, never `/shopping`.
3. Of all matches that fit, the most precise wins: host, exact path, longest prefix, method, number of headers, number of
   query parameters; then the older route, then the route's name, then the earlier rule.
4. A weight is an exact share of the unit interval: of numbers spread evenly over it, weight/total go to that backend,
   and a weight of zero gets none.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import parse_qsl

from cygni.local.gateway.cookies import carries
from cygni.local.gateway.objects import RequestMatch

_T = TypeVar("_T")
GOLDEN = 0.6180339887498949
"""Step of the even sequence that weights are drawn by: see `next_point`."""


def split_host(header: str) -> str:
    """The host a Host header names: lower case, without port and without a final dot."""
    host = header.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0].rstrip(".")


def host_matches(pattern: str, host: str) -> bool:
    """Whether a hostname of a route or listener takes this host. An empty pattern takes every host."""
    if not pattern:
        return True
    return host == pattern or (pattern.startswith("*.") and host.endswith(pattern[1:]) and len(host) > len(pattern) - 1)


def common_host(route: str, listener: str) -> str | None:
    """The hosts both take, as one pattern (empty: every host), or None if there are none."""
    if host_matches(listener, route) or not listener:
        return route
    if host_matches(route, listener) or not route:
        return listener
    return None


def host_suffixes(host: str) -> list[str]:
    """The wildcard patterns that take this host, the most specific first."""
    labels = host.split(".")
    return ["*." + ".".join(labels[at:]) for at in range(1, len(labels))]


def path_matches(match: RequestMatch, path: str) -> bool:
    """Whether a match takes this path."""
    if match.exact:
        return path == match.path
    if match.path == "/":
        return True
    return path.startswith(match.path) and (len(path) == len(match.path) or path[len(match.path)] == "/")


def request_matches(match: RequestMatch, path: str, method: str, headers: Mapping[str, str], query: str) -> bool:
    """Whether everything that a match says holds for this request. `headers` must look names up whatever their case."""
    if not path_matches(match, path) or (match.method and match.method != method):
        return False
    if any(headers.get(name) != value for name, value in match.headers):
        return False
    if match.cookies and not carries(headers.get("cookie", ""), match.cookies):
        return False
    if not match.query:
        return True
    given: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        given.setdefault(name, value)
    return all(given.get(name) == value for name, value in match.query)


def precision(match: RequestMatch) -> tuple[int, int, int, int, int]:
    """How precise a match is; sorts ascending with the most precise first."""
    return (
        0 if match.exact else 1,
        -len(match.path),
        0 if match.method else 1,
        -len(match.headers) - len(match.cookies),
        -len(match.query),
    )


def cumulative(weights: Sequence[int]) -> tuple[int, ...]:
    """Running totals, which `choose` takes."""
    total, totals = 0, []
    for each in weights:
        total += each
        totals.append(total)
    return tuple(totals)


def choose(totals: Sequence[int], point: float) -> int | None:
    """The index whose share of the unit interval holds `point`; None when all weights are zero.

    Index i is chosen for exactly weight[i]/total of the interval [0, 1); a point outside it counts as the nearest in it.
    """
    if not totals or totals[-1] <= 0:
        return None
    share = min(int(min(max(point, 0.0), 1.0) * totals[-1]), totals[-1] - 1)
    return bisect_right(totals, share)


def next_point(point: float) -> float:
    """The next of a sequence that fills the unit interval evenly, wherever it starts.

    Steps by the golden ratio: any 100 consecutive points put 5 ± 1 into a share of 5 %, where independent random numbers put
    anything from 0 to 12; no regular pattern in the requests can fall in step with it.
    """
    point += GOLDEN
    return point - 1.0 if point >= 1.0 else point


def pick(candidates: Sequence[_T], active: Mapping[_T, int], first: float, second: float) -> _T | None:
    """Of two candidates drawn by two points of the unit interval, the one with fewer requests in flight; None of none."""
    count = len(candidates)
    if count <= 1:
        return candidates[0] if candidates else None
    one = min(int(first * count), count - 1)
    other = (one + 1 + min(int(second * (count - 1)), count - 2)) % count
    a, b = candidates[one], candidates[other]
    return b if active.get(b, 0) < active.get(a, 0) else a
