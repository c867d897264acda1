"""The promise that all verdicts rest on: evidence against what is true stays small, however often one looks."""

from __future__ import annotations

from itertools import product
from math import comb, exp, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.rollouts.evalues import (
    FACTORS,
    NO_BET,
    Bets,
    Null,
    Trials,
    against_limit,
    against_stable,
    log_evidence,
    pairs_against_stable,
)

MARGIN, SHARED = Null(1.0, 0.0025), Null(1.25, 0.0)
SHARES = st.floats(0.0, 1.0)


def chance(trials: int, bad: int, share: float) -> float:
    return comb(trials, bad) * share**bad * (1 - share) ** (trials - bad)


def expected(bets_of: dict[tuple[int, int], Bets], chances: dict[tuple[int, int], float], size: int) -> float:
    return sum(chances[found] * exp(bets_of[found][size]) for found in bets_of)


# --- no bet gains on average while what it bets against is true: exactly, over all that can happen in a block


@given(st.integers(1, 12), st.floats(0.001, 0.999), SHARES)
def test_no_bet_against_a_limit_gains_below_the_limit(total: int, limit: float, part: float) -> None:
    share = limit * part
    for size in range(len(FACTORS)):
        gain = sum(chance(total, bad, share) * exp(against_limit(Trials(bad, total), limit)[size]) for bad in range(total + 1))
        assert gain <= 1 + 1e-9


@settings(max_examples=60)
@given(
    st.integers(1, 7),
    st.integers(1, 7),
    st.sampled_from([MARGIN, SHARED, Null(1.0, 0.05), Null(1.0, 0.0)]),
    st.floats(1e-4, 0.75),
    SHARES,
    SHARES,
    st.booleans(),
)
def test_no_bet_against_the_stable_version_gains_where_its_hypothesis_is_true(
    canary: int, stable: int, null: Null, guess: float, there: float, part: float, reverse: bool
) -> None:
    line = min(1.0, null.slope * there + null.margin)
    here = line + (1 - line) * part if reverse else line * part
    outcomes = list(product(range(canary + 1), range(stable + 1)))
    chances = {(one, other): chance(canary, one, here) * chance(stable, other, there) for one, other in outcomes}
    bets = {
        (one, other): against_stable(Trials(one, canary), Trials(other, stable), null, guess, reverse=reverse)
        for one, other in outcomes
    }

    if not (reverse and null.slope * there + null.margin > 1):
        assert max(expected(bets, chances, size) for size in range(len(FACTORS))) <= 1 + 1e-9


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=12), st.floats(1, 40))
def test_a_spread_never_adds_to_evidence(blocks: list[tuple[int, int]], spread: float) -> None:
    bets = [against_limit(Trials(min(one), max(one)), 0.05) for one in ((min(pair), max(pair)) for pair in blocks)]
    seconds = [100.0] * len(bets)
    plain, widened = log_evidence(bets, seconds), log_evidence(bets, seconds, spread=spread)

    assert widened <= max(0.0, plain) + 1e-9


# --- looked at again and again


def crossings(streams: int, stream: object, alpha: float) -> int:
    """How many of so many streams ever reach evidence of 1/alpha."""
    return sum(any(evidence >= log(1 / alpha) for evidence in stream(Random(seed))) for seed in range(streams))  # type: ignore[operator]


def looks(blocks: list[Bets]) -> list[float]:
    return [log_evidence(blocks[:end], [60.0] * end) for end in range(1, len(blocks) + 1)]


def bad_among(random: Random, total: int, share: float) -> Trials:
    return Trials(sum(random.random() < share for _ in range(total)), total)


def test_a_share_at_the_limit_itself_is_seldom_condemned_at_any_look() -> None:
    def stream(random: Random) -> list[float]:
        return looks([against_limit(bad_among(random, 20, 0.05), 0.05) for _ in range(40)])

    assert crossings(150, stream, 0.05) <= 150 * 0.05


@pytest.mark.parametrize("split", [(10, 40), (30, 30), (45, 5)], ids=["20 %", "50 %", "90 %"])
def test_a_canary_at_the_margin_itself_is_seldom_condemned_at_any_look(split: tuple[int, int]) -> None:
    def stream(random: Random) -> list[float]:
        shares = [(0.05 + 0.02, 0.05)] * 40
        return looks(paired(random, split, shares, Null(1.0, 0.02)))

    assert crossings(120, stream, 0.05) <= 120 * 0.05


@pytest.mark.parametrize("split", [(10, 40), (30, 30), (45, 5)], ids=["20 %", "50 %", "90 %"])
def test_an_outage_or_a_drift_that_both_have_is_seldom_blamed_on_the_canary(split: tuple[int, int]) -> None:
    outage = [0.01] * 10 + [0.4] * 30
    drift = [0.005 + 0.3 * block / 40 for block in range(40)]

    for shares in (outage, drift):

        def stream(random: Random, shares: list[float] = shares) -> list[float]:
            return looks(paired(random, split, [(share, share) for share in shares], MARGIN))

        assert crossings(80, stream, 0.05) <= 80 * 0.05


def paired(random: Random, split: tuple[int, int], shares: list[tuple[float, float]], null: Null) -> list[Bets]:
    here, there = split
    return pairs_against_stable(
        [(bad_among(random, here, one), bad_among(random, there, other)) for one, other in shares], null
    )


# --- and against what is not true it grows


def test_evidence_grows_with_what_is_wrong() -> None:
    def after(share: float) -> float:
        random = Random(1)
        return looks(paired(random, (20, 80), [(share, 0.005)] * 12, MARGIN))[-1]

    small, middle, great = (after(share) for share in (0.02, 0.1, 0.5))

    assert small < middle < great
    assert middle > log(1000)


def test_a_fault_that_comes_late_is_seen_though_all_was_well_for_long() -> None:
    random = Random(2)
    sound, broken = [Trials(0, 100)] * 200, [bad_among(random, 100, 0.3) for _ in range(3)]
    blocks = [against_limit(each, 0.05) for each in (*sound, *broken)]

    assert log_evidence(blocks, [60.0] * len(blocks)) > log(1000)


def test_within_the_margin_can_be_proven_too() -> None:
    random = Random(3)
    pairs = [(bad_among(random, 200, 0.01), bad_among(random, 200, 0.01)) for _ in range(30)]
    bets = pairs_against_stable(pairs, Null(1.0, 0.02), reverse=True)

    assert log_evidence(bets, [60.0] * 30) > log(100)
    assert log_evidence(pairs_against_stable(pairs, Null(1.0, 0.02)), [60.0] * 30) < log(4)


# --- and at its edges


def test_no_evidence_comes_of_no_blocks_or_of_blocks_without_requests() -> None:
    assert log_evidence([], []) == 0.0
    assert against_stable(Trials(0, 0), Trials(3, 9), MARGIN, 0.01) == NO_BET
    assert against_stable(Trials(3, 9), Trials(0, 0), MARGIN, 0.01) == NO_BET
    assert log_evidence([NO_BET] * 500, [5.0] * 500) == pytest.approx(0.0, abs=1e-9)


def test_one_block_or_two_of_a_few_seconds_never_condemn() -> None:
    whole = against_limit(Trials(10_000, 10_000), 0.05)

    assert log_evidence([whole, whole], [5.0, 5.0]) < log(1000) + 1.4 < log_evidence([whole] * 4, [5.0] * 4)
    assert log_evidence([whole], [60.0]) > log(10**6)


@given(st.lists(st.tuples(*[st.integers(0, 10**9)] * 4), max_size=6), st.floats(1, 1e6), st.floats(0, 1e6))
def test_evidence_is_a_number_whatever_was_counted(blocks: list[tuple[int, ...]], spread: float, seconds: float) -> None:
    pairs = [(Trials(min(a, b), max(a, b)), Trials(min(c, d), max(c, d))) for a, b, c, d in blocks]
    bets = pairs_against_stable(pairs, MARGIN)

    assert -1 < log_evidence(bets, [seconds] * len(bets), spread=spread) < 10_000
