"""How much more a version's bad requests vary than chance alone would have them: the spread.

Independent requests with one common share have a spread of 1. It is greater when bad requests come in bursts, or most of
them from one pod of many; the evidence and the bands then count every request for so many times fewer (`evalues`,
`bounds`), as a quasi-likelihood does. The greater of two estimates counts:

1. **Between blocks of time**: the squared difference of each two successive blocks, over what chance would make of it
   (J. von Neumann's successive differences, Ann. Math. Stat. 12, 1941). A slow change of the share does not count as
   spread, and one sudden one does not either: the greatest difference is left out, since a fault that begins looks so.
2. **Between pods**: Pearson's chi-square over its degrees of freedom, where at least `MIN_PODS` pods were counted. With
   fewer, one bad pod is too much of the release to be an accident.

Both are drawn towards 1 by `PRIOR` imagined observations, so that little data claims little; the first, where earlier steps
showed a spread, towards that by `KNOWN` of them. What is not known yet, `bursts` is there for. Sources: P. McCullagh and
J. A. Nelder, "Generalized Linear Models" (1989), section 4.5, on over-dispersion and its estimate.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from chalicelib.rollouts.evalues import Trials

PRIOR = 4
"""Observations without spread that are supposed beforehand."""
KNOWN = 12
"""Observations that an earlier step's spread counts for."""
MIN_PODS = 4
"""Fewest pods of which one may be the odd one out."""


def between_blocks(blocks: Sequence[Trials], known: float = 1.0) -> float:
    """The spread between successive blocks of time; 1 or more. Blocks must be in order.

    `known` is the spread that the release showed in its earlier steps, which counts for `KNOWN` observations; 1 for none.
    """
    told = [difference for pair in pairwise(blocks) if (difference := _difference(*pair)) is not None]
    prior = KNOWN if known > 1 else PRIOR
    if len(told) < 2:
        return max(1.0, known)
    return max(1.0, (prior * known + sum(told) - max(told)) / (prior + len(told) - 1))


def between_pods(pods: Sequence[Trials]) -> float:
    """The spread between pods; 1 or more, and 1 when fewer than `MIN_PODS` of them served requests."""
    serving = [pod for pod in pods if pod.total > 0]
    bad, total = sum(pod.bad for pod in serving), sum(pod.total for pod in serving)
    if len(serving) < MIN_PODS or bad in (0, total):
        return 1.0
    share = bad / total
    chi_square = sum((pod.bad - pod.total * share) ** 2 / (pod.total * share * (1 - share)) for pod in serving)
    return max(1.0, (PRIOR + chi_square) / (PRIOR + len(serving) - 1))


def _difference(one: Trials, other: Trials) -> float | None:
    """The squared difference of two shares over its variance if both are the same; None where it says nothing."""
    bad, total = one.bad + other.bad, one.total + other.total
    if not one.total or not other.total or bad in (0, total):
        return None
    share = bad / total
    variance = share * (1 - share) * (1 / one.total + 1 / other.total)
    return float((one.bad / one.total - other.bad / other.total) ** 2 / variance)
