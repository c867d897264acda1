from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cygni.local.node.rules import (
    BackOff,
    Restart,
    Running,
    State,
    Tally,
    Terminated,
    Waiting,
    after_exit,
    exit_reason,
    failure_counts,
    pod_phase,
    probe_pause,
    unschedulable,
    worth_publishing,
)
from cygni.local.node.spec import Probe, TcpSocket

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
PROBE = Probe(TcpSocket(80), period=10, failure_threshold=3, success_threshold=2)
BACK_OFF = BackOff(10, 300)


def ended(code: int) -> Terminated:
    return Terminated(code, "Completed" if code == 0 else "Error", NOW, NOW)


STATES: dict[str, State] = {"waiting": Waiting("x"), "running": Running(NOW), "done": ended(0), "failed": ended(1)}
states = st.sampled_from(list(STATES.values()))
policies = st.sampled_from(["Always", "OnFailure", "Never"])


@pytest.mark.parametrize(("streak", "delay"), [(0, 0), (1, 10), (2, 20), (3, 40), (4, 80), (5, 160), (6, 300), (90, 300)])
def test_the_first_restart_is_immediate_and_later_ones_wait_twice_as_long_up_to_the_cap(streak: int, delay: float) -> None:
    assert BACK_OFF.delay(streak) == delay


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(1, 3))
def test_a_delay_never_shrinks_with_more_restarts_nor_passes_the_cap(streak: int, base: float, times: float) -> None:
    back_off = BackOff(base, base * times)

    assert 0 <= back_off.delay(streak) <= back_off.delay(streak + 1) <= back_off.cap


@pytest.mark.parametrize(
    ("policy", "code", "again"),
    [
        ("Always", 0, True),
        ("Always", 1, True),
        ("OnFailure", 0, False),
        ("OnFailure", 1, True),
        ("Never", 0, False),
        ("Never", 1, False),
    ],
)
def test_the_policy_says_which_ends_lead_to_a_restart(policy: str, code: int, again: bool) -> None:
    assert (after_exit(policy, code, streak=0, ran_for=1, back_off=BACK_OFF) is not None) == again  # type: ignore[arg-type]


def test_a_long_good_run_forgives_earlier_restarts() -> None:
    assert after_exit("Always", 1, streak=6, ran_for=599, back_off=BACK_OFF) == Restart(300, 7)
    assert after_exit("Always", 1, streak=6, ran_for=601, back_off=BACK_OFF) == Restart(0, 1)


@pytest.mark.parametrize(("code", "oom", "reason"), [(0, False, "Completed"), (1, False, "Error"), (137, True, "OOMKilled")])
def test_an_end_is_given_the_reason_the_kubelet_gives(code: int, oom: bool, reason: str) -> None:
    assert exit_reason(code, out_of_memory=oom) == reason


def test_a_verdict_changes_only_after_as_many_equal_answers_as_the_threshold() -> None:
    tally, seen = Tally(), []

    for ok in (False, False, True, False, False, False, True, True):
        tally = tally.counted(ok, PROBE)
        seen.append(tally.verdict)

    assert seen == [None, None, None, None, None, False, False, True]


@given(st.lists(st.booleans(), max_size=40))
def test_a_verdict_is_always_backed_by_a_run_of_its_threshold(answers: list[bool]) -> None:
    tally = Tally()
    for ok in answers:
        tally = tally.counted(ok, PROBE)

    for verdict, needed in ((True, 2), (False, 3)):
        runs = [answers[at : at + needed] for at in range(len(answers) - needed + 1)]
        assert tally.verdict is not verdict or [verdict] * needed in runs


@given(st.floats(0, 1000), st.booleans(), st.floats(0.05, 100))
def test_a_probe_is_never_asked_less_often_than_its_period_says(since: float, answered: bool, period: float) -> None:
    pause = probe_pause(Probe(TcpSocket(80), period=period), since_start=since, answered=answered)

    assert 0 < pause <= period
    assert pause == period or not answered


def test_a_slow_start_is_asked_about_less_and_less() -> None:
    assert [probe_pause(PROBE, since_start=at, answered=False) for at in (0, 5, 30, 90)] == [0.1, 0.25, 1.0, 10]


def test_quick_retries_count_one_failure_a_period() -> None:
    assert [failure_counts(PROBE, since_counted=at) for at in (0.1, 9.9, 10.0)] == [False, False, True]


@pytest.mark.parametrize(
    ("policy", "init", "main", "phase"),
    [
        ("Always", [], ["waiting"], "Pending"),
        ("Always", ["running"], ["waiting"], "Pending"),
        ("Always", ["done"], ["running"], "Running"),
        ("Always", ["failed"], ["waiting"], "Pending"),
        ("Never", ["failed"], ["waiting"], "Failed"),
        ("Always", [], ["failed"], "Running"),
        ("Always", [], ["done"], "Running"),
        ("OnFailure", [], ["done"], "Succeeded"),
        ("OnFailure", [], ["failed"], "Running"),
        ("Never", [], ["failed"], "Failed"),
        ("Never", [], ["done", "failed"], "Failed"),
        ("Never", [], ["done", "running"], "Running"),
        ("Always", [], ["running", "waiting"], "Pending"),
    ],
)
def test_the_phase_follows_from_the_containers(policy: str, init: list[str], main: list[str], phase: str) -> None:
    assert pod_phase(policy, [STATES[one] for one in init], [(STATES[one], None) for one in main]) == phase  # type: ignore[arg-type]


def test_a_container_that_waits_to_be_restarted_leaves_its_pod_running() -> None:
    assert pod_phase("Always", [], [(Waiting("CrashLoopBackOff"), ended(1))]) == "Running"
    assert pod_phase("OnFailure", [], [(Waiting("CrashLoopBackOff"), ended(1))]) == "Running"


@given(policies, st.lists(states, max_size=2), st.lists(states, min_size=1, max_size=3))
def test_a_pod_is_over_only_when_nothing_of_it_may_run_again(policy: str, init: list[State], main: list[State]) -> None:
    phase = pod_phase(policy, init, [(state, None) for state in main])  # type: ignore[arg-type]

    if phase in ("Succeeded", "Failed"):
        assert policy != "Always" or any(isinstance(one, Terminated) and one.exit_code for one in init)
        assert phase == "Failed" or all(isinstance(one, Terminated) and one.exit_code == 0 for one in main)


@pytest.mark.parametrize(
    ("before", "now", "worth"),
    [(None, 0, True), (0, 9, False), (0, 10, True), (500, 540, False), (500, 450, True), (80, 70, True)],
)
def test_only_a_noticeable_change_of_cpu_use_is_published(before: int | None, now: int, worth: bool) -> None:
    assert worth_publishing(before, now) is worth


@pytest.mark.parametrize(
    ("spec", "room", "reason"),
    [
        ({}, 1, ""),
        ({"nodeSelector": {"disk": "ssd"}}, 1, ""),
        ({"nodeSelector": {"disk": "tape"}}, 1, "the node lacks disk=tape"),
        ({"schedulingGates": [{"name": "wait"}]}, 1, "scheduling gates"),
        ({"schedulerName": "mine"}, 1, "scheduler mine"),
        ({}, 0, "too many pods"),
    ],
)
def test_a_pod_is_bound_unless_it_asks_for_what_the_node_is_not(spec: dict[str, object], room: int, reason: str) -> None:
    assert reason in unschedulable({"spec": spec}, {"disk": "ssd"}, room)
    assert bool(unschedulable({"spec": spec}, {"disk": "ssd"}, room)) == bool(reason)
