"""Evidence that grows with every look: e-processes for "no more than the limit" and "no worse than the stable version".

An *e-process* of a hypothesis is a running product of bets against it that starts at 1 and is expected to stay there while
the hypothesis is true. By Ville's inequality it then ever reaches 1/alpha with probability alpha at most, however often one
looks and whenever one stops; what it has reached is the evidence. Each block of traffic is one bet, in several sizes:

1. **Against a limit** (`against_limit`): requests are each bad with a probability of `limit` at most. The bet is the
   likelihood ratio of a greater share to the limit: Wald's, at the shares that `FACTORS` times the limit's odds give.
2. **Against the stable version** (`against_stable`): in each block, canary <= slope * stable + margin, where the stable
   version's share may be any, and another in each block. With a pair (s, c) on that line, c = slope * s + margin, requests
   of the canary multiply the evidence by 1 + (bad - c) * u and those of the stable version by 1 - (bad - s) * slope * v,
   where u and v are in proportion 1/requests of their arms. By the inequality of the means the expectation of the whole
   product is at most (1 + (canary - slope * stable - margin) * k)^n with some k > 0, which is 1 at most where the hypothesis
   is true, wherever on the line (s, c) lies: the traffic's split is given, a fault that both arms have cancels out, and so
   does a drift. It is the two-sample e-variable of Turner, Ly and Grünwald, for a half-plane as the hypothesis; (s, c)
   would be best where the truth projects to, and is guessed from the blocks before (`pairs_against_stable`).
3. **When it began** is unknown: a fault may be there from the start or come late. The bets are a mixture (`log_evidence`)
   of those that begin with the first block (one half) and with each of the others (`_stake`, the other half).

A `spread` above 1 (see `dispersion`) takes the root of every bet, and what one block can add is capped, since errors that
come within moments of each other may be one event. Both make the evidence less than the product above, which is enough
for the promise to be kept: no bound is needed on how the spread was estimated, nor when.

Sources: J. Ville, "Étude critique de la notion de collectif" (1939); A. Wald, "Sequential Analysis" (1947);
H. Robbins, Ann. Math. Stat. 41 (1970), mixtures; R. J. Turner, A. Ly, P. D. Grünwald, "Generic E-variables for exact
sequential k-sample tests that allow for optional stopping", J. Stat. Plan. Inference 230 (2024); A. Ramdas, P. Grünwald,
V. Vovk, G. Shafer, "Game-theoretic statistics and safe anytime-valid inference", Stat. Sci. 38 (2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from math import exp, isfinite, log
from typing import NamedTuple

Bets = tuple[float, ...]
"""What one block adds to the logarithm of each bet; positive against the hypothesis."""

FACTORS = (1.25, 1.8, 4.0, 12.0)
"""How many times the odds that the hypothesis allows each bet supposes: from a little worse to broken altogether."""

NO_BET: Bets = (0.0,) * len(FACTORS)

CAP = 4.0
"""The most that a block of `CLUMP` seconds or less may add; longer ones in proportion. Two of them never condemn."""
CLUMP = 5.0
"""Seconds within which errors may be one event: a pod that restarts, a peer that hangs up."""

_MOST = 600.0
"""Greatest evidence that is told apart. Wealth beyond what a float holds was proof enough, whatever followed."""
_SOON = 64
"""About so many blocks share most of the half that is kept for faults that begin later; the rest is for those after."""
_MEMORY = 0.5 ** (1 / 8)
"""What a block's traffic weighs one block later, when the stable version's share is guessed: half after eight."""
_SUPPOSED = (0.6, 60.0)
"""Bad and all requests that are supposed before the first block; a wrong guess costs evidence, never the promise."""
_LEAST, _EDGE = 1e-4, 0.98


class Trials(NamedTuple):
    """So many bad ones among so many requests."""

    bad: int
    total: int


class Null(NamedTuple):
    """The hypothesis that the canary's share is at most `slope` times the stable version's plus `margin`."""

    slope: float
    margin: float


@lru_cache(maxsize=4096)
def against_limit(trials: Trials, limit: float) -> Bets:
    """A block's bets against a share of at most `limit`, which lies between 0 and 1."""
    good = trials.total - trials.bad
    shares = [_with_odds(limit, factor) for factor in FACTORS]
    return tuple(trials.bad * log(share / limit) + good * log((1 - share) / (1 - limit)) for share in shares)


@lru_cache(maxsize=4096)
def against_stable(canary: Trials, stable: Trials, null: Null, guess: float, *, reverse: bool = False) -> Bets:
    """A block's bets against `null`, at the point of its line where the stable version's share is `guess`.

    In `reverse` against its opposite: evidence that the canary is *within* the margin. Without traffic on either side there
    is nothing to compare, and no bet.
    """
    if not canary.total or not stable.total:
        return NO_BET
    line = null.slope * guess + null.margin
    return tuple(
        _pair(canary, stable, null.slope, guess, line, _with_odds(line, 1 / factor if reverse else factor))
        for factor in FACTORS
    )


def pairs_against_stable(pairs: Iterable[tuple[Trials, Trials]], null: Null, *, reverse: bool = False) -> list[Bets]:
    """The bets of successive blocks, each (canary, stable); the point of the line is guessed from the blocks before."""
    bets = []
    bad, total = _SUPPOSED
    most = (_EDGE - null.margin) / null.slope
    for canary, stable in pairs:
        guess = min(max(bad / total, _LEAST), most)
        bets.append(against_stable(canary, stable, null, guess, reverse=reverse))
        bad = bad * _MEMORY + stable.bad + (canary.bad - null.margin * canary.total) / null.slope
        total = total * _MEMORY + stable.total + canary.total
    return bets


def log_evidence(blocks: Sequence[Bets], seconds: Sequence[float], *, spread: float = 1.0) -> float:
    """The logarithm of the evidence that the blocks amount to, together; 0 for none.

    `seconds` says how long each block lasted.
    """
    wealth = [0.0] * len(FACTORS)
    for index, (bets, lasted) in enumerate(zip(blocks, seconds, strict=True)):
        stake = _stake(index)
        cap = min(CAP * lasted / CLUMP, _MOST) if lasted > CLUMP else CAP
        wealth = [
            (have + stake) * exp(bet / spread if bet < cap * spread else cap) for have, bet in zip(wealth, bets, strict=True)
        ]
    asleep = 0.5 * _SOON / (_SOON + len(blocks) - 1) if blocks else 1.0
    whole = sum(wealth) / len(FACTORS) + asleep
    return min(log(whole), _MOST) if isfinite(whole) else _MOST


def _stake(block: int) -> float:
    """The part of the whole that is bet from this block on, the first being 0. All parts together are 1."""
    return 0.5 if block == 0 else 0.5 * _SOON / ((_SOON + block - 1) * (_SOON + block))


def _pair(canary: Trials, stable: Trials, slope: float, guess: float, line: float, wanted: float) -> float:
    """One bet. `wanted` is the canary's share it supposes; how far it may go is limited by the stable version's traffic."""
    here, there = line * (1 - line), guess * (1 - guess)
    stake = canary.total * (wanted - line) / here
    most = 0.95 * stable.total / slope
    stake = min(max(stake, -most / guess), most / (1 - guess))
    ours = line + stake / canary.total * here
    theirs = guess - slope * stake / stable.total * there
    return (
        canary.bad * log(ours / line)
        + (canary.total - canary.bad) * log((1 - ours) / (1 - line))
        + stable.bad * log(theirs / guess)
        + (stable.total - stable.bad) * log((1 - theirs) / (1 - guess))
    )


def _with_odds(share: float, factor: float) -> float:
    """The share whose odds are `factor` times those of `share`."""
    return factor * share / (1 - share + factor * share)
