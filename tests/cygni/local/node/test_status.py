from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cygni.local.node.rules import Running, Terminated, Waiting
from cygni.local.node.spec import Object, parse_pod
from cygni.local.node.status import ContainerView, PodView, render
from tests.cygni.local.node.fake import pod

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUNNING = Running(NOW)
FAILED = Terminated(3, "Error", NOW, NOW, "no database", "cygni://a")


def view(state: Any = RUNNING, **fields: Any) -> ContainerView:
    return ContainerView("app", "image", state, **fields)


def status(
    *main: ContainerView, before: Object | None = None, now: datetime = NOW, spec: Object | None = None, **fields: Any
) -> Object:
    return render(parse_pod(pod(**(spec or {}))), PodView(fields.pop("init", ()), main, **fields), before or {}, now)


def condition(found: Object, kind: str) -> Object:
    return next(one for one in found["conditions"] if one["type"] == kind)


def test_a_ready_pod_has_every_condition_true() -> None:
    found = status(view(ready=True, started=True))

    assert [(one["type"], one["status"]) for one in found["conditions"]] == [
        ("PodScheduled", "True"),
        ("Initialized", "True"),
        ("ContainersReady", "True"),
        ("Ready", "True"),
    ]


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    first = status(view())
    second = status(view(), before=first, now=NOW + timedelta(seconds=5))
    third = status(view(ready=True), before=second, now=NOW + timedelta(seconds=9))

    times = [condition(one, "Ready")["lastTransitionTime"] for one in (first, second, third)]
    assert times == ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z", "2026-01-02T03:04:14Z"]
    assert third["startTime"] == first["startTime"]


def test_why_a_running_container_is_not_ready_is_said_in_the_condition() -> None:
    found = status(view(note="WrongPort: listening on port 3000"))

    assert condition(found, "Ready")["reason"] == "ContainersNotReady"
    assert condition(found, "Ready")["message"] == "containers with unready status: [app]; WrongPort: listening on port 3000"


def test_a_pod_that_leaves_is_not_ready_though_its_containers_are() -> None:
    assert condition(status(view(ready=True), leaving="the pod is being deleted"), "Ready")["status"] == "False"


def test_conditions_of_others_are_kept_and_readiness_gates_heeded() -> None:
    gate = {"type": "example.com/lb", "status": "False"}
    gated = {"readinessGates": [{"conditionType": "example.com/lb"}]}

    closed = status(view(ready=True), before={"conditions": [gate]}, spec=gated)
    opened = status(view(ready=True), before={"conditions": [gate | {"status": "True"}]}, spec=gated)

    assert condition(closed, "example.com/lb") == gate
    assert (condition(closed, "Ready")["reason"], condition(closed, "ContainersReady")["status"]) == (
        "ReadinessGatesNotReady",
        "True",
    )
    assert condition(opened, "Ready")["status"] == "True"


def test_a_pod_that_is_over_says_how_it_ended() -> None:
    done = status(view(Terminated(0, "Completed", NOW, NOW)), spec={"restartPolicy": "Never"})
    failed = status(view(FAILED), spec={"restartPolicy": "Never"})

    assert (done["phase"], condition(done, "Ready")["reason"]) == ("Succeeded", "PodCompleted")
    assert (failed["phase"], condition(failed, "Ready")["reason"]) == ("Failed", "PodFailed")


def test_init_containers_hold_up_initialization_and_are_ready_when_done() -> None:
    init = (ContainerView("one", "image", Terminated(0, "Completed", NOW, NOW)), ContainerView("two", "image", RUNNING))

    found = status(view(Waiting("PodInitializing")), init=init)

    assert condition(found, "Initialized")["message"] == "containers with incomplete status: [two]"
    assert [one["ready"] for one in found["initContainerStatuses"]] == [True, False]
    assert found["phase"] == "Pending"


def test_a_sidecar_counts_among_those_that_must_be_ready() -> None:
    sidecar = ContainerView("proxy", "image", RUNNING, started=True)

    found = status(view(ready=True), init=(sidecar,), sidecars=frozenset({"proxy"}))

    assert condition(found, "Initialized")["status"] == "True"
    assert condition(found, "Ready")["message"] == "containers with unready status: [proxy]"


def test_states_are_written_as_the_kubelet_writes_them() -> None:
    waiting = Waiting("CrashLoopBackOff", "back-off 10s")

    found = status(view(waiting, last=FAILED, restarts=4, container_id="cygni://b"))["containerStatuses"][0]

    assert found["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    assert found["lastState"]["terminated"] == {
        "exitCode": 3,
        "reason": "Error",
        "startedAt": "2026-01-02T03:04:05Z",
        "finishedAt": "2026-01-02T03:04:05Z",
        "message": "no database",
        "containerID": "cygni://a",
    }
    assert (found["restartCount"], found["containerID"]) == (4, "cygni://b")
