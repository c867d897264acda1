"""How sure one can be of a share that is looked at again and again.

A confidence interval of the usual kind (Wilson's, say) holds for one look. A canary is looked at every few seconds, and
stopped at the first look that condemns it, so such an interval would condemn healthy releases far more often than it
says. What is used here is a *confidence sequence*: with probability 1 - `ERROR` the true share lies inside **all** of its
intervals at once, however often one looks and whenever one stops.

It is Robbins' mixture of likelihood ratios for a Bernoulli share, mixed over a Beta distribution:

    M(p) = B(a + bad, b + good) / B(a, b) / (p^bad * (1 - p)^good)

M(p) is a martingale that starts at 1 if the share is p, so by Ville's inequality it ever reaches 1/ERROR with probability
ERROR at most; the shares where it has not are the interval. The lower bound never falls when a request is bad instead of
good; so for requests that each fail with some probability of at most p, whatever went before, it too exceeds p with
probability ERROR at most.

Sources: H. Robbins, "Statistical methods related to the law of the iterated logarithm", Ann. Math. Stat. 41 (1970);
S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon, "Time-uniform, nonparametric, nonasymptotic confidence sequences",
Ann. Stat. 49 (2021), beta-binomial mixture.
"""

from __future__ import annotations

from math import lgamma, log

ERROR = 0.002
"""Greatest probability that a share's sequence of intervals ever misses it."""

_A, _B = 1.0, 3.0
"""The Beta distribution mixed over: a broken release most often fails a tenth to a half of its requests. Any choice is
sound; this one only decides for which shares the bound is quickest."""

_HALVINGS = 48


def share_bounds(bad: int, total: int) -> tuple[float, float]:
    """The interval, within [0, 1], that holds the share of `bad` among `total`; (0, 1) when nothing is known."""
    if total <= 0:
        return 0.0, 1.0
    bad = min(max(bad, 0), total)
    middle = bad / total
    low = 0.0 if bad == 0 else _edge(bad, total, outside=0.0, inside=middle)
    high = 1.0 if bad == total else _edge(bad, total, outside=1.0, inside=middle)
    return low, high


def _edge(bad: int, total: int, *, outside: float, inside: float) -> float:
    """Where M crosses 1/ERROR between a share it excludes and one it holds, from the side it excludes.

    log M is convex in p and at most 0 at bad/total, so that there is one crossing on each side.
    """
    good = total - bad
    evidence = _log_beta(_A + bad, _B + good) - _log_beta(_A, _B) + log(ERROR)
    for _ in range(_HALVINGS):
        p = (outside + inside) / 2
        excluded = p in (0.0, 1.0) or evidence >= bad * log(p) + good * log(1.0 - p)
        outside, inside = (p, inside) if excluded else (outside, p)
    return outside


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)
