"""How sure one can be of a share that is looked at again and again.

A confidence interval of the usual kind (Wilson's, say) holds for one look. A canary is looked at every few seconds, and
stopped at the first look that condemns it. What is used here is a *confidence sequence*: with probability 1 - `error` the
true share lies inside **all** of its intervals at once, however often one looks and whenever one stops.

It is Robbins' mixture of likelihood ratios for a Bernoulli share, mixed over a Beta distribution:

    M(p) = B(a + bad, b + good) / B(a, b) / (p^bad * (1 - p)^good)

M(p) is a martingale that starts at 1 if the share is p, so by Ville's inequality it ever reaches 1/error with probability
`error` at most; the shares where it has not are the interval. The lower bound never falls when a request is bad instead of
good; so for requests that each fail with some probability of at most p, whatever went before, it too exceeds p with
probability `error` at most. A verdict's bands are these; what condemns is in `evalues`.

Sources: H. Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Stat. 41 (1970);
S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
Ann. Stat. 49 (2021), beta-binomial mixture.
"""

from __future__ import annotations

import math
from math import lgamma, log

from chalicelib.rollouts.counts import Histogram

ERROR = 0.01
"""Greatest probability that a band which is only shown ever misses its share."""

_A, _B = 1.0, 3.0
"""The Beta distribution mixed over: a broken release most often fails a tenth to a half of its requests. Any choice is
sound; this one only decides for which shares the bound is quickest."""

_HALVINGS = 40


def share_bounds(bad: float, total: float, error: float = ERROR, *, spread: float = 1.0) -> tuple[float, float]:
    """The interval, within [0, 1], that holds the share of `bad` among `total`; (0, 1) when nothing is known.

    With a `spread` above 1 (see `dispersion`) the requests count for so many times fewer, and the interval is wider.
    """
    if total <= 0:
        return 0.0, 1.0
    bad, total = min(max(bad, 0), total) / spread, total / spread
    middle = bad / total
    threshold = log(error) + _log_beta(_A + bad, _B + total - bad) - _log_beta(_A, _B)
    low = 0.0 if bad == 0 else _edge(bad, total, threshold, outside=0.0, inside=middle)
    high = 1.0 if bad == total else _edge(bad, total, threshold, outside=1.0, inside=middle)
    return low, high


def quantile_bounds(latency: Histogram, share: float, error: float = ERROR, *, spread: float = 1.0) -> tuple[float, float]:
    """Between which bucket bounds, in seconds, the latency lies that `share` of the requests stay within.

    (0, infinity) when nothing is known. The share of slower requests is judged at each bucket bound by itself. `spread` as
    in `share_bounds`.
    """
    total = latency[-1][1] if latency else 0
    low = 0.0
    for bound, within in latency:
        slower, allowed = total - within, 1 - share
        if total and _excluded(slower / spread, total / spread, allowed, error):
            if slower < allowed * total:
                return low, bound
            low = bound
    return low, math.inf


def _excluded(bad: float, total: float, share: float, error: float) -> bool:
    """Whether `share` lies outside the interval of `bad` among `total`."""
    evidence = _log_beta(_A + bad, _B + total - bad) - _log_beta(_A, _B)
    return evidence - bad * log(share) - (total - bad) * log(1 - share) >= -log(error)


def _edge(bad: float, total: float, threshold: float, *, outside: float, inside: float) -> float:
    """Where M crosses 1/error between a share it excludes and one it holds, from the side it excludes.

    log M is convex in p and at most 0 at bad/total, so that there is one crossing on each side.
    """
    good = total - bad
    for _ in range(_HALVINGS):
        p = (outside + inside) / 2
        excluded = p in (0.0, 1.0) or threshold >= bad * log(p) + good * log(1.0 - p)
        outside, inside = (p, inside) if excluded else (outside, p)
    return outside


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
