"""The judge's promises, by number of its docstring."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.counts import Counts
from chalicelib.rollouts.rules import Decision, Gate, Metric, Outcome, Strategy, judge, severity
from tests.chalicelib.rollouts.builders import ERRORS, LATENCY, STRATEGY, T0, at, counts, sample, samples, strategies, verdict

HEALTHY = counts(300, 1)
LAST = len(STRATEGY.steps) - 1
EAGER = replace(STRATEGY, on_inconclusive="rollBack")


def test_a_healthy_step_advances_when_its_time_is_over() -> None:
    assert verdict(HEALTHY, HEALTHY, after=30).decision is Decision.ADVANCE


def test_a_healthy_step_holds_while_its_time_runs() -> None:
    assert verdict(HEALTHY, HEALTHY, after=29).decision is Decision.HOLD


def test_a_healthy_last_step_promotes() -> None:
    assert verdict(HEALTHY, HEALTHY, step=LAST).decision is Decision.PROMOTE


def test_a_failing_canary_is_rolled_back_at_once_with_its_numbers() -> None:
    judged = verdict(counts(60, 15), counts(240), after=6)

    assert judged.decision is Decision.ROLL_BACK
    assert judged.reason == (
        "On the canary 15 of 60 requests failed (25.0 %), surely more than 8.2 %; the limit is 5 %, stable 0.0 %."
    )


def test_a_slow_canary_is_rolled_back_at_once_with_its_numbers() -> None:
    judged = verdict(counts(40, slow=40), counts(160), after=4)

    assert judged.decision is Decision.ROLL_BACK
    assert "40 of 40 requests were slower than 400 ms (95 % within 738 ms)" in judged.reason


def test_a_few_requests_condemn_nothing() -> None:
    assert verdict(counts(9, 9), after=6).decision is Decision.INCONCLUSIVE


def test_a_limit_of_zero_means_not_one_failure() -> None:
    strict = replace(STRATEGY, gates=(Gate(Metric.ERROR_RATE, 0.0),))

    assert verdict(counts(300, 1), strategy=strict).decision is Decision.ROLL_BACK
    assert verdict(counts(300, 0), strategy=strict).decision is Decision.ADVANCE


def test_requests_in_the_limits_own_bucket_do_not_condemn() -> None:
    inside = replace(STRATEGY, gates=(Gate(Metric.LATENCY_P95, 600.0),))

    assert verdict(counts(300, slow=300), strategy=inside).decision is Decision.HOLD


def test_an_estimate_over_the_limit_that_is_not_certain_holds() -> None:
    judged = verdict(counts(100, 7), counts(400))

    assert judged.decision is Decision.HOLD
    assert "not yet certain" in judged.reason


def test_a_strategy_without_gates_advances_by_time_and_requests_alone() -> None:
    assert verdict(counts(100, 100), strategy=replace(STRATEGY, gates=())).decision is Decision.ADVANCE


@pytest.mark.parametrize("after", [5, 30, 599])
def test_no_traffic_is_inconclusive_never_a_pass(after: float) -> None:
    judged = verdict(counts(0), counts(900), after=after)

    assert judged.decision is Decision.INCONCLUSIVE
    assert "0 of the 20 requests" in judged.reason
    assert "stable version served 900" in judged.reason


def test_readings_that_never_came_are_inconclusive() -> None:
    judged = judge(STRATEGY, 0, T0, [sample(10, None), sample(30, None)], at(30))

    assert judged.decision is Decision.INCONCLUSIVE
    assert judged.canary.requests is None


def test_readings_that_stopped_coming_are_inconclusive() -> None:
    looks = [sample(0, counts(0)), sample(14, counts(300)), sample(30, None)]

    assert judge(STRATEGY, 0, T0, looks, at(29)).decision is Decision.HOLD
    assert judge(STRATEGY, 0, T0, looks, at(30)).decision is Decision.INCONCLUSIVE


def test_latency_that_was_not_measured_is_inconclusive() -> None:
    assert verdict(Counts(300, 0)).decision is Decision.INCONCLUSIVE


def test_a_proven_failure_outranks_a_gate_that_is_unknown() -> None:
    assert verdict(Counts(300, 200)).decision is Decision.ROLL_BACK


def test_an_outage_of_both_versions_is_held_and_never_rolled_back() -> None:
    judged = verdict(counts(300, 60), counts(1200, 240), after=700, strategy=EAGER)

    assert judged.decision is Decision.HOLD
    assert judged.needs_person
    assert judged.gates[0].outcome is Outcome.SHARED


def test_an_outage_is_shared_before_much_is_known_of_the_stable_version() -> None:
    assert verdict(counts(300, 60), counts(12, 2), after=3).decision is Decision.HOLD


def test_a_canary_far_worse_than_a_stable_version_in_trouble_is_rolled_back() -> None:
    assert verdict(counts(300, 150), counts(1200, 72)).decision is Decision.ROLL_BACK


def test_waiting_ends_with_a_person_or_a_roll_back_as_the_strategy_says() -> None:
    held, turned = verdict(counts(3), after=600), verdict(counts(3), after=600, strategy=EAGER)

    assert (held.decision, held.needs_person) == (Decision.HOLD, True)
    assert (turned.decision, turned.needs_person) == (Decision.ROLL_BACK, False)
    assert "3 of the 20 requests" in held.reason
    assert "3 of the 20 requests" in turned.reason


def test_waiting_does_not_end_before_the_steps_own_time() -> None:
    hasty = replace(EAGER, inconclusive_after=10)

    assert verdict(counts(3), after=20, strategy=hasty).decision is Decision.INCONCLUSIVE


def test_a_paused_rollout_is_not_rolled_back_for_waiting_but_for_a_gate() -> None:
    paused = EAGER.while_paused()

    assert verdict(counts(0), after=9000, strategy=paused).decision is Decision.HOLD
    assert verdict(counts(99, 50), after=9000, strategy=paused).decision is Decision.ROLL_BACK


def test_traffic_of_the_step_before_is_not_judged_again() -> None:
    looks = [sample(-30, counts(0)), sample(-1, counts(200, 60)), sample(30, counts(400, 60))]

    assert judge(STRATEGY, 0, T0, looks, at(30)).decision is Decision.ADVANCE


def test_a_restarted_canary_keeps_what_it_did_before() -> None:
    looks = [sample(0, counts(0)), sample(5, counts(30, 10)), sample(10, counts(30, 10)), sample(15, counts(5))]

    assert judge(STRATEGY, 0, T0, looks, at(15)).canary.errors == 10


def test_a_decision_that_nobody_knows_is_the_gravest() -> None:
    assert severity("surprise") > severity(Decision.ROLL_BACK) > severity(Decision.INCONCLUSIVE) > severity(Decision.HOLD)
    assert severity(Decision.HOLD) > severity(Decision.ADVANCE) > severity(Decision.PROMOTE)


@given(strategies(), st.integers(-1, 6), samples(), st.integers(-5, 120))
def test_every_question_has_an_answer_with_a_reason(strategy: Strategy, step: int, looks: list, now: int) -> None:
    judged = judge(strategy, step, T0, looks, at(now))

    assert judged.reason.endswith(".")
    assert len(judged.gates) == len(strategy.gates)


@given(strategies(), samples(), st.integers(0, 120), st.randoms(use_true_random=False))
def test_late_and_repeated_samples_change_nothing(strategy: Strategy, looks: list, now: int, random) -> None:
    shuffled = looks + looks[:3]
    random.shuffle(shuffled)

    assert judge(strategy, 0, T0, shuffled, at(now)) == judge(strategy, 0, T0, looks, at(now))


@given(strategies(), st.integers(0, 4), samples(), st.integers(0, 120))
def test_nothing_goes_forward_without_its_requests(strategy: Strategy, step: int, looks: list, now: int) -> None:
    judged = judge(strategy, step, T0, looks, at(now))

    if judged.decision in (Decision.ADVANCE, Decision.PROMOTE):
        assert (judged.canary.requests or 0) >= strategy.min_requests


@given(st.integers(1, 400), st.data(), st.sampled_from([0, LAST]), st.sampled_from([5.0, 30.0, 700.0]))
def test_more_errors_never_make_a_verdict_milder(total: int, data: st.DataObject, step: int, after: float) -> None:
    errors = data.draw(st.integers(0, total))
    more = data.draw(st.integers(errors, total))
    policy = data.draw(st.sampled_from([STRATEGY, EAGER]))

    def grave(bad: int) -> int:
        return severity(verdict(counts(total, bad), counts(400, 4), after=after, step=step, strategy=policy).decision)

    assert grave(errors) <= grave(more)


@given(st.integers(1, 400), st.data())
def test_more_errors_never_turn_a_roll_back_into_a_step_forward(total: int, data: st.DataObject) -> None:
    errors = data.draw(st.integers(0, total))
    stable = counts(400, data.draw(st.integers(0, 400)))

    before = verdict(counts(total, errors), stable, step=LAST).decision
    after = verdict(counts(total, data.draw(st.integers(errors, total))), stable, step=LAST).decision

    assert before is not Decision.ROLL_BACK or after is Decision.ROLL_BACK


def test_both_gates_are_told_apart() -> None:
    judged = verdict(counts(300, 2, slow=90), counts(300))

    assert [gate.outcome for gate in judged.gates] == [Outcome.PASS, Outcome.FAIL]
    assert [gate.metric for gate in judged.gates] == [ERRORS.metric, LATENCY.metric]
