"""Readiness, row by row, from objects as a cluster reports them."""

from __future__ import annotations

import pytest

from chalicelib.runtime.readiness import REASONS, judge_readiness
from tests.chalicelib.runtime.builders import after, condition, deployment, ended, event, pod, running, waiting

REFUSED = "Readiness probe failed: dial tcp 10.0.0.7:8080: connect: connection refused"
WRONG_PORT = event("WrongPort", "listening on port 3000, but PORT is 8080: listen on the port in PORT", first=2)
LOOPBACK = event("LoopbackOnly", "listening on 127.0.0.1:8080 only: listen on 0.0.0.0", first=2)
NO_ROOM = condition("PodScheduled", "False", "Unschedulable", "0/3 nodes are available: 3 Insufficient memory.")
QUOTA = condition("ReplicaFailure", "True", "FailedCreate", "exceeded quota: cygni, requested: pods=1", since=5)
OVERDUE = condition("Progressing", "False", "ProgressDeadlineExceeded", "timed out", since=60)
DONE = condition("Progressing", "True", "NewReplicaSetAvailable", "available", since=0)


def judge(*pods, events=(), at=10.0, **status):
    return judge_readiness(deployment(**status), pods, events, after(at))


def verdict(readiness):
    return readiness.state, readiness.reason


ROWS = {
    "no pod yet": ((), (), 1, "waiting", "starting"),
    "container not created yet": ((pod(waiting("ContainerCreating")),), (), 1, "waiting", "starting"),
    "running, not probed yet": ((pod(running()),), (), 2, "waiting", "starting"),
    "probe fails": ((pod(running()),), (event("Unhealthy", REFUSED),), 5, "waiting", "probe-failing"),
    "exited at once": ((pod(ended(1)),), (), 3, "failed", "exited"),
    "exited, back-off": ((pod(waiting("CrashLoopBackOff"), last=ended(1), restarts=1),), (), 9, "failed", "exited"),
    "exited, running again": ((pod(running(4), last=ended(3), restarts=1),), (), 5, "failed", "exited"),
    "exited three times": ((pod(waiting("CrashLoopBackOff"), last=ended(1), restarts=3),), (), 9, "failed", "crash-loop"),
    "ended with 0 once": ((pod(ended(0)),), (), 3, "waiting", "exited"),
    "ended with 0, running again": ((pod(running(4), last=ended(0), restarts=1),), (), 5, "waiting", "exited"),
    "ended with 0 twice": ((pod(ended(0), restarts=1),), (), 6, "failed", "exited"),
    "out of memory": ((pod(ended(137, reason="OOMKilled")),), (), 3, "failed", "out-of-memory"),
    "image missing": ((pod(waiting("ErrImagePull", "not found")),), (), 2, "failed", "image-missing"),
    "image missing, back-off": ((pod(waiting("ImagePullBackOff")),), (), 2, "failed", "image-missing"),
    "cannot start": ((pod(waiting("RunContainerError", 'exec: "pyton"')),), (), 2, "failed", "cannot-start"),
    "program not found": ((pod(ended(128, reason="StartError")),), (), 2, "failed", "cannot-start"),
    "wrong port, just seen": ((pod(running(1)),), (WRONG_PORT,), 4, "waiting", "wrong-port"),
    "wrong port, settled": ((pod(running(1)),), (WRONG_PORT,), 5, "failed", "wrong-port"),
    "loopback only, settled": ((pod(running(1)),), (LOOPBACK,), 5, "failed", "loopback-only"),
    "unschedulable": ((pod(conditions=(NO_ROOM,)),), (), 5, "waiting", "unschedulable"),
    "unschedulable too long": ((pod(conditions=(NO_ROOM,)),), (), 121, "failed", "unschedulable"),
    "never probed well": ((pod(running()),), (event("Unhealthy", REFUSED),), 120, "failed", "probe-failing"),
    "pod on its way out": ((pod(ended(143), deleting=True),), (), 3, "waiting", "starting"),
}


@pytest.mark.parametrize(("pods", "events", "at", "state", "reason"), ROWS.values(), ids=ROWS)
def test_a_release_without_enough_ready_pods_is_judged_by_what_is_seen(pods, events, at, state, reason):
    assert verdict(judge(*pods, events=events, at=at)) == (state, reason)


def test_enough_ready_pods_are_ready():
    judged = judge(pod(running(), ready=True), replicas=1, ready=1)

    assert (judged.state, judged.ready, judged.desired) == ("ready", 1, 1)


def test_a_release_that_serves_is_ready_though_a_process_exited_on_the_way():
    assert judge(pod(running(), ready=True, last=ended(1), restarts=1), ready=1).state == "ready"


def test_nothing_is_ready_before_the_controller_has_seen_the_newest_spec():
    assert judge(pod(running(), ready=True), ready=1, generation=2).state == "waiting"


def test_ready_pods_of_an_older_template_do_not_count():
    assert judge(pod(running(), ready=True), ready=1, updatedReplicas=0).state == "waiting"


def test_a_release_of_no_pods_is_ready():
    assert judge(replicas=0, updatedReplicas=None or 0).state == "ready"


def test_a_deployment_that_is_gone_is_a_failure():
    assert verdict(judge_readiness(None, (), (), after(0))) == ("failed", "absent")


def test_one_failing_pod_of_several_fails_the_release_and_is_named():
    well, ill = pod(running(), name="web-r1-a", ready=True), pod(ended(1), name="web-r1-b")

    judged = judge(well, ill, replicas=2, ready=1)

    assert (judged.state, judged.pod, judged.ready, judged.desired) == ("failed", "web-r1-b", 1, 2)


def test_of_several_failures_the_most_telling_is_given():
    killed, missing = pod(ended(137, reason="OOMKilled"), name="b"), pod(waiting("ErrImagePull"), name="a")

    assert judge(missing, killed, replicas=2).reason == "out-of-memory"


def test_a_probe_that_killed_the_process_is_the_reason_rather_than_its_exit_code():
    stopped = pod(running(9), last=ended(137), restarts=1)
    killing = event("Killing", "Container app failed startup probe, will be restarted")

    assert verdict(judge(stopped, events=[killing])) == ("failed", "probe-failing")


def test_an_exit_of_long_ago_says_nothing_about_a_process_that_runs_since():
    old = pod(running(5), last=ended(1), restarts=1)

    assert judge(old, at=1000, conditions=[DONE]).state == "waiting"


def test_what_an_earlier_process_of_the_pod_listened_on_does_not_count():
    assert judge(pod(running(6)), events=[WRONG_PORT]).reason == "starting"


def test_a_repeated_event_counts_from_when_it_was_first_seen():
    seen = event("WrongPort", "listening on port 3000", first=2, last=6)

    assert judge(pod(running(1)), events=[seen], at=6).state == "failed"


def test_events_of_the_newer_form_are_read_by_their_own_time():
    seen = WRONG_PORT | {"firstTimestamp": None, "lastTimestamp": None, "eventTime": "2026-01-01T00:00:02.123456Z"}

    assert judge(pod(running(1)), events=[seen], at=6).state == "failed"


@pytest.mark.parametrize(("at", "state"), [(14, "waiting"), (15, "failed")])
def test_a_quota_is_given_a_moment_for_older_pods_to_leave(at, state):
    assert verdict(judge(at=at, conditions=[QUOTA])) == (state, "refused")


def test_the_deadline_counts_from_the_last_progress():
    progress = condition("Progressing", "True", "ReplicaSetUpdated", since=100)

    assert judge(at=219, conditions=[progress]).state == "waiting"
    assert judge(at=220, conditions=[progress]).state == "failed"


def test_the_controllers_own_word_that_the_deadline_has_passed_is_taken():
    assert judge(at=61, conditions=[OVERDUE]).state == "failed"


def test_a_release_that_was_complete_has_no_deadline_any_more():
    assert judge(pod(running()), at=9999, conditions=[DONE]).state == "waiting"


MESSAGES = {
    "exit code": (pod(ended(1)), (), ["exited with code 1", "2 s after it started"]),
    "exited at once": (pod(ended(1, began=3)), (), ["code 1 as soon as it started"]),
    "command not found": (pod(ended(127)), (), ["127", "was not found", "`start`"]),
    "ended by itself": (pod(ended(0), restarts=1), (), ["exit code 0", "2 times", "keeps running"]),
    "memory": (pod(ended(137, reason="OOMKilled")), (), ["256Mi", "`resources.memory`"]),
    "image": (pod(waiting("ErrImagePull", "manifest unknown")), (), ["could not be pulled", "manifest unknown"]),
    "port": (pod(running(1)), (WRONG_PORT,), ["The process is listening on port 3000", "in PORT."]),
    "nothing answers": (pod(running()), (event("Unhealthy", REFUSED),), ["port 8080", "0.0.0.0"]),
    "status": (pod(running()), (event("Unhealthy", "statuscode: 503"),), ["statuscode: 503", "`health.path`"]),
    "no room": (pod(conditions=(NO_ROOM,)), (), ["Insufficient memory", "add nodes"]),
}


@pytest.mark.parametrize(("ailing", "events", "words"), MESSAGES.values(), ids=MESSAGES)
def test_the_sentence_says_what_was_seen_and_what_to_change(ailing, events, words):
    message = judge(ailing, events=events).message

    assert [word for word in words if word not in message] == []


def test_after_the_deadline_the_sentence_names_it_and_the_reason():
    message = judge(pod(running()), events=[event("Unhealthy", REFUSED)], at=500).message

    assert message.startswith("Not ready within 120 s. Nothing answers on port 8080")


def test_a_foreign_message_is_cut_to_a_bearable_length():
    assert len(judge(pod(waiting("ErrImagePull", "x" * 5000))).message) < 700


@pytest.mark.parametrize("name", sorted({row[4] for row in ROWS.values()}))
def test_every_reason_that_is_given_is_a_documented_one(name):
    assert name in REASONS
