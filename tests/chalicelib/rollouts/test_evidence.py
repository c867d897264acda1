"""What is stored of an analysis gives its verdict again."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.bounds import share_bounds
from chalicelib.rollouts.counts import Counts, Measurement, Sample
from chalicelib.rollouts.evidence import Evidence
from chalicelib.rollouts.explain import explain
from chalicelib.rollouts.gates import Custom, Gate, Metric
from chalicelib.rollouts.replay import Asked, replay
from chalicelib.rollouts.rules import RULE_VERSION, Decision, Strategy, judge
from tests.chalicelib.rollouts.builders import (
    DEPTH,
    MORE_ERRORS,
    STRATEGY,
    T0,
    at,
    counts,
    measured,
    sample,
    samples,
    strategies,
)

DEPLOYMENT = "dep_01JAZ000000000000000000000"
ITEM_LIMIT = 400 * 1024


def steady(looks: int, *, failing: int = 0) -> Evidence:
    """An analysis of a step looked at every second, with ten requests between looks."""
    seen = [sample(second, counts(second * 10, second * failing), counts(second * 40)) for second in range(looks)]
    return Evidence.of(DEPLOYMENT, STRATEGY, 0, T0, seen, at(looks))


@pytest.mark.slow
@given(strategies(), st.integers(0, 5), samples(), st.integers(0, 120))
def test_what_is_stored_comes_back_unchanged_and_judges_the_same(strategy: Strategy, step: int, looks: list, now: int) -> None:
    taken = Evidence.of(DEPLOYMENT, strategy, step, T0, looks, at(now))
    stored = Evidence.from_dict(json.loads(json.dumps(taken.to_dict(), allow_nan=False)))

    assert stored == taken
    assert stored.verdict == judge(strategy, step, T0, looks, at(now))
    assert [replayed.agrees for replayed in replay([stored])] == [True]


@given(strategies(), samples(), st.integers(0, 80))
def test_an_analysis_that_goes_on_from_the_one_before_sees_all_that_one_look_at_everything_would(
    strategy: Strategy, looks: list, pause: int
) -> None:
    looks = sorted(looks, key=lambda look: look.at)
    first, second = [look for look in looks if look.at <= at(pause)], [look for look in looks if look.at > at(pause)]
    before = Evidence.of(DEPLOYMENT, strategy, 0, T0, first, at(pause))
    stored = Evidence.from_dict(json.loads(json.dumps(before.to_dict())))
    whole = Evidence.of(DEPLOYMENT, strategy, 0, T0, looks, at(100))
    resumed = Evidence.of(DEPLOYMENT, strategy, 0, T0, second, at(100), before=stored)

    assert (resumed.verdict, resumed.latest) == (whole.verdict, whole.latest)


def test_many_samples_are_thinned_without_changing_the_verdict() -> None:
    looks = [sample(second, counts(second * 10 % 1700)) for second in range(2000)]
    taken = Evidence.of(DEPLOYMENT, STRATEGY, 0, T0, looks, at(2000))

    assert len(taken.samples) < 160
    assert taken.verdict == judge(STRATEGY, 0, T0, looks, at(2000))


@pytest.mark.slow
def test_a_record_is_far_smaller_than_an_item_may_be() -> None:
    many = 10**12
    latency = (*((float(bound), many) for bound in range(30)), (math.inf, many))
    busy = Counts(many, many, latency, tuple((f"web-r3-pod-{number}", many, many) for number in range(100)))
    looks = [sample(0, counts(0)), *(Sample(at(second), 50, busy, busy) for second in range(1, 4000))]

    assert len(json.dumps(Evidence.of(DEPLOYMENT, STRATEGY, 0, T0, looks, at(4000)).to_dict())) < ITEM_LIMIT / 2


def test_a_record_that_was_tampered_with_does_not_agree() -> None:
    bad = steady(30, failing=5)
    forged = replace(bad, verdict=replace(bad.verdict, decision=Decision.PROMOTE))

    assert [replayed.agrees for replayed in replay([bad, forged])] == [True, False]


def test_a_step_knows_how_errors_clumped_in_the_one_before_and_its_record_replays_the_same() -> None:
    errors = [10 * (look // 4) for look in range(30)]
    first = [sample(look * 5, counts(look * 100, errors[look]), counts(look * 400)) for look in range(30)]
    before = Evidence.of(DEPLOYMENT, STRATEGY, 0, T0, first, at(145))
    second = [sample(145 + look * 5, counts(3000 + look * 100, 70 + look), counts(12000 + look * 400)) for look in range(12)]
    taken = Evidence.of(DEPLOYMENT, STRATEGY, 1, at(145), second[:6], at(170), before=before)
    later = Evidence.of(DEPLOYMENT, STRATEGY, 1, at(145), second[6:], at(200), before=taken)
    stored = Evidence.from_dict(json.loads(json.dumps(later.to_dict())))

    assert dict(taken.known)["errorRate"] == before.verdict.gates[0].spread > 2
    assert (
        taken.verdict.gates[0].spread
        > Evidence.of(DEPLOYMENT, STRATEGY, 1, at(145), second[:6], at(170)).verdict.gates[0].spread
    )
    assert stored == later
    assert later.known == taken.known
    assert replay([stored])[0].agrees


def test_records_of_other_rules_agree_when_they_decide_the_same_and_a_note_says_why_they_may_not() -> None:
    older = steady(30, failing=5)
    older = replace(older, verdict=replace(older.verdict, rule_version="0", reason="Said in other words."))
    (replayed,) = replay([older])

    assert replayed.agrees
    assert "version 0 of the rules" in replayed.note
    assert replay([steady(30)])[0].note == ""


def test_a_record_of_the_first_rules_is_still_read_and_judged() -> None:
    record = steady(40, failing=5).to_dict()
    del record["latest"]
    record["verdict"]["rule_version"] = "1"
    new = ("name", "weight", "evidence", "needed", "spread", "doubtful", "within")
    record["verdict"]["gates"] = [{key: gate[key] for key in gate if key not in new} for gate in record["verdict"]["gates"]]
    record["samples"] = [[at(look[0] / 1e6).isoformat(), *look[1:]] for look in record["samples"]]
    (replayed,) = replay([Evidence.from_dict(json.loads(json.dumps(record)))])

    assert replayed.recorded.rule_version == "1"
    assert (replayed.judged.rule_version, replayed.judged.decision) == (RULE_VERSION, Decision.ROLL_BACK)
    assert replayed.agrees


def test_replay_answers_what_other_gates_would_have_decided() -> None:
    (replayed,) = replay([steady(60, failing=1)], Asked(gates=(Gate(Metric.ERROR_RATE, 50.0),)))

    assert (replayed.recorded.decision, replayed.judged.decision) == (Decision.HOLD, Decision.ADVANCE)
    assert replayed.at == at(30), "the step's time was over, and nothing but the recorded gate held it"
    assert [gate.limit for gate in replayed.judged.gates] == [50.0, 400.0]
    assert not replayed.agrees


def test_replay_judges_gates_that_were_not_there_and_another_alpha() -> None:
    (stricter,) = replay([steady(30, failing=1)], Asked(gates=(MORE_ERRORS,)))
    (surer,) = replay([steady(60, failing=1)], Asked(alpha=1e-12))

    assert [gate.name for gate in stricter.judged.gates] == ["errorRate", "latencyP95", "errorRateIncrease"]
    assert stricter.judged.decision is Decision.ROLL_BACK
    assert surer.judged.decision is Decision.HOLD


def test_a_measurement_is_kept_with_its_sample() -> None:
    looks = [replace(sample(5 * look, counts(20 * look)), values=measured(7.5)) for look in range(8)]
    taken = Evidence.of(DEPLOYMENT, replace(STRATEGY, gates=(DEPTH,)), 0, T0, looks, at(35))

    assert Evidence.from_dict(json.loads(json.dumps(taken.to_dict()))).verdict.gates[0].canary == 7.5


def test_a_hypothesis_is_asked_of_every_sample_and_names_the_first_that_would_have_decided() -> None:
    """Errors that came in the middle of a long step: at its end their share is small again."""
    lax = replace(STRATEGY, steps=(replace(STRATEGY.steps[0], seconds=600),), gates=(Gate(Metric.ERROR_RATE, 50.0),))
    looks = [sample(s, counts(s * 10, 3 * min(max(s - 30, 0), 60) if s > 30 else 0), counts(s * 40)) for s in range(600)]
    whole = Evidence.of(DEPLOYMENT, lax, 0, T0, looks, at(601))
    strict = replace(lax, gates=(Gate(Metric.ERROR_RATE, 5.0),))
    live = next(s for s in range(600) if judge(strict, 0, T0, looks[: s + 1], at(s)).decision is Decision.ROLL_BACK)

    (replayed,) = replay([whole], Asked(gates=strict.gates))

    assert 30 < live < 90
    assert (replayed.at, replayed.agrees) == (at(live), False)
    assert (replayed.recorded.decision, replayed.judged.decision) == (Decision.HOLD, Decision.ROLL_BACK)


def test_a_hypothesis_drops_gates_and_changes_custom_ones_by_their_names() -> None:
    custom = Gate(Metric.CUSTOM, 100, custom=Custom("queue-depth", "query", "max(queue)", "max"))
    strategy = replace(STRATEGY, gates=(*STRATEGY.gates, custom))
    values = (Measurement("queue-depth", 50.0),)
    looks = [replace(sample(s, counts(s * 10), counts(s * 40)), values=values) for s in range(20)]
    whole = Evidence.of(DEPLOYMENT, strategy, 0, T0, looks, at(20))

    (lower,) = replay([whole], Asked(limits={"queue-depth": 20.0}))
    (dropped,) = replay([whole], Asked(dropped=frozenset({"queue-depth", "latencyP95"})))

    assert lower.judged.decision is Decision.ROLL_BACK
    assert [gate.name for gate in dropped.judged.gates] == ["errorRate"]
    assert Asked(limits={"queue": 1.0}, dropped=frozenset({"latencyP95", "depth"})).unknown([whole]) == ["depth", "queue"]


def test_the_bands_of_an_explanation_are_as_wide_as_the_verdict_says_that_requests_vary() -> None:
    record = steady(40, failing=1)
    wide = tuple(replace(gate, spread=9.0) for gate in record.verdict.gates)
    spread = replace(record, verdict=replace(record.verdict, gates=wide))

    ((plain,), (widened,)) = (explain([each]) for each in (record, spread))
    before, after = plain.points[-1], widened.points[-1]
    assert before.canary is not None
    assert after.canary is not None

    low, high = share_bounds(after.canary.errors, after.canary.requests, spread=9.0)
    assert (after.canary.error_low, after.canary.error_high) == (low * 100, high * 100)
    assert after.canary.error_low < before.canary.error_low < before.canary.error_high < after.canary.error_high
    assert after.canary.p95_low <= before.canary.p95_low
    assert after.stable == before.stable
