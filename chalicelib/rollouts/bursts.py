"""Whether bad requests are too regular to be a few bursts: evidence that counts readings with bad requests, not requests.

The spread (`dispersion`) says how much bad requests clump, once enough was seen of it. In a step's first seconds it was
not: three bursts in three successive blocks look like a steady fault. This is what is asked besides, and the smaller answer
counts (`judging`), so that it can only lower the evidence.

1. All bad requests of one block are taken for one burst, whose size is the mean of those blocks that have any. If no more
   than the allowed share of the requests is bad, bursts come rarely enough that a block has any with a probability of
   1 - exp(-allowed * requests / size) (a Poisson stream of bursts). How many blocks have any is a binomial count; the
   evidence is the logarithm of its likelihood ratio. A steady fault shows in every block, and gains nearly as much as it does
   by requests; bursts do not.
2. The stable version may be about to have bursts that nobody has seen yet. Its share is taken for greater by `BURSTS` of them
   among its requests, by `UNSEEN` at most in the first few blocks. The size is that of those it had, with one of `LARGEST`
   supposed beforehand.
3. A fault may begin late, so that the newest blocks by themselves are asked, at every length; that there are several such
   stretches in a step is paid for by the logarithm of their number.

Sources: W. Feller, "An Introduction to Probability Theory and Its Applications" I (1968), section XII.2, compound Poisson
streams; S. S. Wilks, Ann. Math. Stat. 9 (1938), likelihood ratios; B. D. Jovanovic and P. S. Levy, "A look at the rule of
three", Am. Stat. 51 (1997).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import exp, log

from chalicelib.rollouts.evalues import Null, Trials

LEAST = 3
"""Fewest blocks with bad requests that are evidence: two bursts may follow each other, however much they break."""
LARGEST = 20
"""Bad requests of a burst that is supposed of a version which had none."""
BURSTS = 3
"""Bursts of the stable version that may be still to come: of those that nobody saw, more than so many are unlikely (5 %)."""
UNSEEN = 0.01
"""The most that bursts which were not seen yet may add to the stable version's share, in few blocks."""
HASTE = 4
"""So many blocks are few: what can be told in them is a grave fault, which may not wait. In more, more may be added."""


def steady_evidence(blocks: Sequence[Trials], allowed: float) -> float:
    """The evidence that more than `allowed` of the requests are bad, if each block's bad ones are one burst."""
    return _newest([(block, Trials(0, 0)) for block in blocks], lambda *_: allowed)


def steady_against_stable(pairs: Sequence[tuple[Trials, Trials]], null: Null) -> float:
    """The same, against `null`; the pairs are (canary, stable)."""
    burst = _burst([stable for _, stable in pairs])

    def allowed(bad: int, total: int, blocks: int) -> float:
        if not total:
            return 1.0
        unseen = min(UNSEEN * max(1.0, blocks / HASTE), BURSTS * burst / total)
        return min(1.0, null.slope * (bad / total + unseen) + null.margin)

    return _newest(pairs, allowed)


def _newest(pairs: Sequence[tuple[Trials, Trials]], allowed: Callable[[int, int, int], float]) -> float:
    """The greatest evidence of the newest blocks, at any length; `allowed` tells a share by what the stable version served."""
    served = [pair for pair in pairs if pair[0].total]
    best, bearing, bad, total, stable_bad, stable_total = 0.0, 0, 0, 0, 0, 0
    for length, (canary, stable) in enumerate(reversed(served), 1):
        bearing, bad, total = bearing + (canary.bad > 0), bad + canary.bad, total + canary.total
        stable_bad, stable_total = stable_bad + stable.bad, stable_total + stable.total
        if bearing >= LEAST:
            expected = _expected(allowed(stable_bad, stable_total, length), total / length, bad / bearing)
            best = max(best, _ratio(bearing, length, expected) - log(len(served) / length))
    return best


def _expected(share: float, requests: float, burst: float) -> float:
    """How likely it is that a block has bad requests, if this share of its requests is bad and they come in such bursts."""
    return min(1 - 1e-9, max(1e-9, 1 - exp(-share * requests / burst)))


def _ratio(bearing: int, blocks: int, expected: float) -> float:
    """The logarithm of the likelihood ratio of the share of blocks that was found to the one that is expected at most."""
    found = bearing / blocks
    if found <= expected:
        return 0.0
    rest = (blocks - bearing) * log((1 - found) / (1 - expected)) if bearing < blocks else 0.0
    return bearing * log(found / expected) + rest


def _burst(blocks: Sequence[Trials]) -> float:
    """Bad requests of a burst, by the blocks that have any and one of `LARGEST` that is supposed."""
    return (LARGEST + sum(block.bad for block in blocks)) / (1 + sum(block.bad > 0 for block in blocks))
