"""What is stored of an analysis gives its verdict again."""

from __future__ import annotations

import json
import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.counts import Counts, Sample
from chalicelib.rollouts.evidence import KEEP_SAMPLES, Evidence, replay
from chalicelib.rollouts.rules import Decision, Gate, Metric, Strategy, judge
from tests.chalicelib.rollouts.builders import STRATEGY, T0, at, counts, sample, samples, strategies

DEPLOYMENT = "dep_01JAZ000000000000000000000"
ITEM_LIMIT = 400 * 1024


def steady(looks: int, *, failing: int = 0) -> Evidence:
    """An analysis of a step looked at every second, with ten requests between looks."""
    seen = [sample(second, counts(second * 10, second * failing)) for second in range(looks)]
    return Evidence.of(DEPLOYMENT, STRATEGY, 0, T0, seen, at(looks))


@given(strategies(), st.integers(0, 5), samples(), st.integers(0, 120))
def test_what_is_stored_comes_back_unchanged_and_judges_the_same(strategy: Strategy, step: int, looks: list, now: int) -> None:
    taken = Evidence.of(DEPLOYMENT, strategy, step, T0, looks, at(now))
    stored = Evidence.from_dict(json.loads(json.dumps(taken.to_dict(), allow_nan=False)))

    assert stored == taken
    assert stored.verdict == judge(strategy, step, T0, looks, at(now))
    assert [replayed.agrees for replayed in replay([stored])] == [True]


def test_many_samples_are_thinned_without_changing_the_verdict() -> None:
    looks = [sample(second, counts(second * 10 % 1700)) for second in range(500)]
    taken = Evidence.of(DEPLOYMENT, STRATEGY, 0, T0, looks, at(500))

    assert len(taken.samples) <= KEEP_SAMPLES + 4
    assert taken.verdict == judge(STRATEGY, 0, T0, looks, at(500))


def test_a_record_is_far_smaller_than_an_item_may_be() -> None:
    many = 10**12
    latency = (*((float(bound), many) for bound in range(30)), (math.inf, many))
    busy = Counts(many, many, latency)
    looks = [sample(0, counts(0)), *(Sample(at(second), 50, busy, busy) for second in range(1, 400))]

    assert len(json.dumps(Evidence.of(DEPLOYMENT, STRATEGY, 0, T0, looks, at(400)).to_dict())) < ITEM_LIMIT / 4


def test_a_record_that_was_tampered_with_does_not_agree() -> None:
    bad = steady(30, failing=5)
    forged = replace(bad, verdict=replace(bad.verdict, decision=Decision.PROMOTE))

    assert [replayed.agrees for replayed in replay([bad, forged])] == [True, False]


def test_records_of_other_rules_agree_when_they_decide_the_same() -> None:
    older = steady(30, failing=5)
    older = replace(older, verdict=replace(older.verdict, rule_version="0", reason="Said in other words."))

    assert [replayed.agrees for replayed in replay([older])] == [True]


def test_replay_answers_what_other_gates_would_have_decided() -> None:
    (replayed,) = replay([steady(60, failing=1)], gates=(Gate(Metric.ERROR_RATE, 50.0),))

    assert replayed.recorded.decision is Decision.ROLL_BACK
    assert replayed.judged.decision is Decision.ADVANCE
    assert not replayed.agrees
