"""The judge's promises, by number of its docstring."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.rollouts.counts import Counts, Measurement, Sample
from chalicelib.rollouts.gates import Gate, Metric, Outcome, Weight
from chalicelib.rollouts.rules import Decision, Strategy, Verdict, judge, severity
from tests.chalicelib.rollouts.builders import (
    BOUNDS,
    DEPTH,
    ERRORS,
    LATENCY,
    MORE_ERRORS,
    SLOWER,
    SMOKE,
    STRATEGY,
    T0,
    at,
    counts,
    sample,
    samples,
    steady,
    strategies,
    verdict,
)

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
    judged = verdict(counts(90, 22), counts(360), after=20)

    assert judged.decision is Decision.ROLL_BACK
    assert judged.reason == (
        "On the canary 22 of 90 requests failed (24.4 %, surely 11.1 to 42.3 %); the limit is 5 %, stable 0.0 %."
        " A sound release shows this at most once in 320,000 rollouts."
    )


def test_a_slow_canary_is_rolled_back_at_once_with_its_numbers() -> None:
    judged = verdict(counts(40, slow=40), counts(160), after=20)

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


# --- compared with the stable version

COMPARED = replace(STRATEGY, gates=(ERRORS, MORE_ERRORS))
SPEED = replace(STRATEGY, gates=(SLOWER,))


def test_a_canary_worse_than_stable_is_rolled_back_though_it_keeps_to_the_limit() -> None:
    judged = verdict(counts(2000, 60), counts(8000, 40), strategy=COMPARED)

    assert judged.decision is Decision.ROLL_BACK
    assert "at most 0.25 percentage points more than stable are allowed, stable 0.5 %" in judged.reason


def test_a_canary_as_bad_as_stable_goes_on() -> None:
    assert verdict(counts(2000, 60), counts(8000, 240), strategy=COMPARED).decision is Decision.ADVANCE


def test_what_looks_worse_than_stable_by_chance_alone_is_let_on_and_what_hardly_does_is_held() -> None:
    assert verdict(counts(100, 1), counts(400), strategy=COMPARED).decision is Decision.ADVANCE
    assert verdict(counts(300, 9), counts(1200, 6), strategy=COMPARED).decision is Decision.HOLD


def test_without_the_stable_versions_readings_nothing_can_be_compared() -> None:
    judged = verdict(counts(2000, 60), None, strategy=COMPARED)

    assert judged.decision is Decision.INCONCLUSIVE
    assert "cannot be compared" in judged.reason


def test_a_canary_that_has_all_the_traffic_needs_no_comparison() -> None:
    looks = steady(counts(2000, 20), counts(0), 30, weight=100)
    broken = steady(counts(2000, 900), counts(0), 30, weight=100)

    assert judge(COMPARED, 0, T0, looks, at(30)).decision is Decision.ADVANCE
    assert judge(COMPARED, 0, T0, broken, at(30)).decision is Decision.ROLL_BACK


def test_a_canary_slower_than_stable_is_rolled_back_whatever_the_limit() -> None:
    judged = verdict(counts(400, slow=200), counts(1600), strategy=SPEED)

    assert judged.decision is Decision.ROLL_BACK
    assert "took over 50 % longer than 95 % of the stable version's" in judged.reason
    assert verdict(counts(400, slow=200), counts(1600, slow=800), strategy=SPEED).decision is Decision.ADVANCE


def test_latency_is_not_compared_before_enough_is_known_of_stables() -> None:
    assert verdict(counts(40, slow=40), counts(60), strategy=SPEED).decision is Decision.INCONCLUSIVE


def outage(*, from_look: int, share: int, looks: int = 40, split: tuple[int, int] = (10, 40)) -> list[Sample]:
    """Looks each second; from one of them on one request in `share` fails on both versions alike."""
    here, there = split
    return [
        sample(look, *(counts(rate * look, rate * max(0, look - from_look) // share) for rate in (here, there)))
        for look in range(looks + 1)
    ]


@pytest.mark.parametrize("split", [(10, 40), (25, 25), (45, 5)], ids=["20 %", "50 %", "90 %"])
@pytest.mark.parametrize("from_look", [0, 20])
def test_an_outage_of_both_is_held_whatever_the_split(split: tuple[int, int], from_look: int) -> None:
    rules = replace(COMPARED, interval=1, inconclusive_after=3600)
    looks = outage(from_look=from_look, share=4, split=split)

    for look in range(1, len(looks)):
        assert judge(rules, 0, T0, looks[: look + 1], at(look)).decision is not Decision.ROLL_BACK


# --- traffic that varies more than by chance


def pods(count: int, requests: int, *, bad: int) -> Counts:
    """Counts of so many pods, of which the first alone fails `bad` requests."""
    each = tuple((f"pod-{index}", requests, bad if index == 0 else 0) for index in range(count))
    whole = count * requests
    return Counts(whole, bad, tuple((bound, whole) for bound in BOUNDS), each)


def test_one_bad_pod_of_many_is_held_and_told() -> None:
    judged = verdict(pods(10, 100, bad=80), counts(4000), strategy=COMPARED)

    assert judged.decision is Decision.HOLD
    assert "differ between pods" in judged.reason
    assert verdict(replace(pods(10, 100, bad=80), pods=()), counts(4000), strategy=COMPARED).decision is Decision.ROLL_BACK


def test_bursts_of_errors_are_held_and_told() -> None:
    bursts = [counts(40 * look, 12 * (look // 8)) for look in range(41)]
    looks = [sample(5 * look, served, counts(160 * look, look)) for look, served in enumerate(bursts)]
    judged = judge(COMPARED, 0, T0, looks, at(200))

    assert judged.decision is Decision.HOLD
    assert "come in bursts" in judged.reason
    assert judged.gates[1].spread > 3


# --- what a gate is worth, and what is promised


def test_an_advisory_gate_is_told_and_changes_nothing() -> None:
    told = replace(STRATEGY, gates=(replace(ERRORS, weight=Weight.ADVISORY), LATENCY))
    judged = verdict(counts(300, 200), counts(1200), strategy=told)

    assert judged.decision is Decision.ADVANCE
    assert judged.gates[0].outcome is Outcome.FAIL


def test_a_smaller_alpha_needs_more_evidence_and_is_shared_by_gates_and_steps() -> None:
    few = verdict(counts(60, 14), counts(240))
    careful = verdict(counts(60, 14), counts(240), strategy=replace(STRATEGY, alpha=1e-6))

    assert (few.decision, careful.decision) == (Decision.ROLL_BACK, Decision.HOLD)
    assert STRATEGY.needed == pytest.approx(5.99, abs=0.01)
    assert replace(STRATEGY, gates=(ERRORS,)).needed < STRATEGY.needed
    assert (
        replace(STRATEGY, gates=(ERRORS, LATENCY, DEPTH, replace(MORE_ERRORS, weight=Weight.ADVISORY))).needed
        == STRATEGY.needed
    )


def test_a_step_that_waits_for_evidence_goes_on_when_every_gate_is_proven_to_be_kept() -> None:
    patient = replace(STRATEGY, gates=(ERRORS, replace(MORE_ERRORS, limit=2.0)), advance_on="evidence", inconclusive_after=3600)
    early = verdict(counts(200, 1), counts(800, 4), strategy=patient)
    later = verdict(counts(4000, 20), counts(16_000, 80), strategy=patient)

    assert early.decision is Decision.HOLD
    assert "not yet proven" in early.reason
    assert later.decision is Decision.ADVANCE


def test_waiting_for_evidence_ends_as_the_strategy_says() -> None:
    patient = replace(EAGER, advance_on="evidence")

    assert verdict(counts(30), counts(120), after=600, strategy=patient).decision is Decision.ROLL_BACK


# --- measurements of the user's own


def measured(*values: float | None, strategy: Strategy | None = None, now: float | None = None) -> Verdict:
    """The verdict after looks every 5 s that measured these values."""
    rules = strategy or replace(STRATEGY, gates=(DEPTH,), steps=STRATEGY.steps[:1], inconclusive_after=3600)
    looks = [
        replace(
            sample(5 * look, counts(20 * look), counts(80 * look)),
            values=(Measurement("depth", value), Measurement("smoke", value)),
        )
        for look, value in enumerate(values)
    ]
    return judge(rules, 0, T0, looks, at(5 * (len(values) - 1) if now is None else now))


def test_a_custom_gate_condemns_at_three_looks_in_a_row() -> None:
    assert measured(*[50.0] * 9).decision is Decision.PROMOTE
    assert measured(*[50.0] * 8, 120.0).decision is Decision.HOLD
    assert measured(*[50.0] * 6, 120.0, 120.0, 99.0).decision is Decision.PROMOTE
    assert measured(*[50.0] * 6, 120.0, 120.0, 120.0).decision is Decision.ROLL_BACK


def test_a_custom_gate_says_what_it_measured() -> None:
    assert measured(*[50.0] * 6, 120.0, 120.0, 130.0).reason == (
        "depth is 130; at most 100 is allowed, broken 3 looks in a row."
    )


def test_a_measurement_that_fails_is_bridged_and_one_that_never_came_lets_nothing_on() -> None:
    assert measured(*[50.0] * 7, None, 50.0).decision is Decision.PROMOTE
    assert measured(*[50.0] * 8, None).decision is Decision.PROMOTE
    assert measured(*[None] * 9).decision is Decision.INCONCLUSIVE
    assert measured(*[50.0] * 5, *[None] * 5).decision is Decision.INCONCLUSIVE
    assert measured(*[120.0] * 5, *[None] * 5).decision is Decision.INCONCLUSIVE


def test_a_webhook_that_says_no_three_times_condemns_where_it_is_critical() -> None:
    decides = replace(STRATEGY, gates=(replace(SMOKE, weight=Weight.CRITICAL),), steps=STRATEGY.steps[:1])

    assert measured(*[1.0] * 6, 0.0, 0.0, 0.0, strategy=decides).reason == "The webhook of smoke said no, 3 looks in a row."
    assert measured(*[1.0] * 9, strategy=decides).decision is Decision.PROMOTE
    assert measured(*[0.0] * 9, strategy=replace(decides, gates=(SMOKE,))).decision is Decision.PROMOTE


def test_both_gates_are_told_apart() -> None:
    judged = verdict(counts(300, 2, slow=90), counts(300))

    assert [gate.outcome for gate in judged.gates] == [Outcome.PASS, Outcome.FAIL]
    assert [gate.metric for gate in judged.gates] == [ERRORS.metric, LATENCY.metric]
