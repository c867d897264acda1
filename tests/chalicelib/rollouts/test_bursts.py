"""Bad requests that a few bursts could explain, and those that they could not."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.bursts import steady_against_stable, steady_evidence
from chalicelib.rollouts.counts import Counts, Sample
from chalicelib.rollouts.evalues import Null, Trials
from chalicelib.rollouts.rules import Decision, Step, judge
from tests.chalicelib.rollouts.builders import MORE_ERRORS, STRATEGY, T0, at, sample

NULL = Null(1.0, 0.0025)
ENOUGH = 6.0
LONG = replace(STRATEGY, steps=(Step(20, 600),), gates=(MORE_ERRORS,))
SOUND = Trials(8, 800)


def pairs(canary: list[Trials], stable: Trials = SOUND) -> list[tuple[Trials, Trials]]:
    return [(block, stable) for block in canary]


def looks(canary: list[Trials], stable: list[Trials]) -> list[Sample]:
    """Looks every five seconds at what both served."""
    here, there = Counts(), Counts()
    seen = [sample(0, here, there)]
    for index, (ours, theirs) in enumerate(zip(canary, stable, strict=True), 1):
        here = Counts(here.requests + ours.total, here.errors + ours.bad)
        there = Counts(there.requests + theirs.total, there.errors + theirs.bad)
        seen.append(sample(index * 5, here, there))
    return seen


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30), st.integers(0, 30)), max_size=12))
def test_evidence_is_a_number_from_nothing_up_whatever_was_counted(blocks: list[tuple[int, int, int, int]]) -> None:
    counted = [(Trials(min(a, b), max(a, b)), Trials(min(c, d), max(c, d))) for a, b, c, d in blocks]

    assert 0 <= steady_against_stable(counted, NULL) < 1000
    assert 0 <= steady_evidence([canary for canary, _ in counted], 0.05) < 1000


def test_a_fault_in_every_block_is_told_from_bursts_within_four() -> None:
    assert steady_against_stable(pairs([Trials(4, 20)] * 4, Trials(0, 80)), NULL) > ENOUGH
    assert steady_evidence([Trials(40, 200)] * 6, 0.05) > ENOUGH


@pytest.mark.parametrize("bursts", [1, 2, 3])
def test_a_few_bursts_one_after_the_other_are_no_steady_fault(bursts: int) -> None:
    quiet = [Trials(0, 200)] * 4

    for size in (3, 5, 10, 20):
        assert steady_against_stable(pairs([*quiet, *[Trials(size, 200)] * bursts]), NULL) < ENOUGH


def test_a_stable_version_that_had_no_burst_yet_may_have_one_coming() -> None:
    steady, unhurt = [Trials(2, 200)] * 5, Trials(0, 800)

    assert steady_against_stable(pairs(steady, unhurt), NULL) < ENOUGH
    assert steady_against_stable(pairs(steady * 8, unhurt), NULL) > ENOUGH


def test_a_fault_that_begins_late_is_found_in_the_newest_blocks() -> None:
    assert steady_against_stable(pairs([Trials(1, 200)] * 60 + [Trials(40, 200)] * 5), NULL) > ENOUGH


def test_three_bursts_in_a_row_hold_a_release_and_the_verdict_says_why() -> None:
    blocks = [Trials(0, 200), *[Trials(20, 200)] * 3]
    judged = judge(LONG, 0, T0, looks(blocks, [SOUND] * 4), at(20))

    assert judged.decision is Decision.HOLD
    assert judged.gates[0].doubtful
    assert "a few bursts of them could be the reason" in judged.reason


def test_a_release_that_fails_everything_is_turned_back_within_three_looks() -> None:
    judged = judge(LONG, 0, T0, looks([Trials(20, 20)] * 3, [Trials(0, 80)] * 3), at(15))

    assert judged.decision is Decision.ROLL_BACK


def test_odds_are_told_only_where_bad_requests_come_by_chance() -> None:
    restless = [Trials(20 if block % 2 else 100, 200) for block in range(30)]
    even = judge(LONG, 0, T0, looks([Trials(60, 200)] * 30, [SOUND] * 30), at(150))
    uneven = judge(LONG, 0, T0, looks(restless, [SOUND] * 30), at(150))

    assert even.decision is uneven.decision is Decision.ROLL_BACK
    assert "A sound release shows this" in even.reason
    assert "count for so much less" in uneven.reason
    assert "A sound release shows this" not in uneven.reason


@pytest.mark.parametrize("clumps", [(20, 20), (1, 20), (20, 1)], ids=["both", "stable", "canary"])
def test_sound_releases_whose_errors_come_in_bursts_are_left_alone(clumps: tuple[int, int]) -> None:
    random = Random(11)

    def served(requests: int, clump: int) -> Trials:
        return Trials(sum(clump for _ in range(requests // clump) if random.random() < 0.01), requests)

    for _ in range(6):
        canary, stable = ([served(size, clump) for _ in range(36)] for size, clump in zip((200, 800), clumps, strict=True))
        seen = looks(canary, stable)
        ends = [judge(LONG, 0, T0, seen[: look + 1], at(look * 5)).decision for look in range(1, 37)]
        assert Decision.ROLL_BACK not in ends
