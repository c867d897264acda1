"""Whether a release is ready, and if not, what is wrong and what to change. Pure.

1. Enough ready pods are *ready*, whatever came before: a release that serves is not refused for how it got there.
2. What cannot pass by waiting is *failed* at once: a process that ended, memory that ran out, an image that is not there,
   a container that cannot be started.
3. A process that listens elsewhere is *failed* once it has done so for `SETTLING`: some open a second port before the first.
4. All else is *waiting*, with what it waits for, until the Deployment's own deadline; then it is failed for that reason.
5. Of several findings the worst state counts, and within it the earliest in `REASONS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from chalicelib.platform.clock import parse_iso
from chalicelib.runtime import sentences
from chalicelib.runtime.rules import CONTAINER

Json = dict[str, Any]
State = Literal["ready", "waiting", "failed"]

REASONS = (
    "out-of-memory",
    "exited",
    "crash-loop",
    "image-missing",
    "cannot-start",
    "wrong-port",
    "loopback-only",
    "refused",
    "absent",
    "probe-failing",
    "unschedulable",
    "starting",
    "ready",
)
"""Every reason, the most telling first. Stable: callers may branch on them."""

SETTLING = timedelta(seconds=3)
REFUSAL = timedelta(seconds=10)
STALE = timedelta(minutes=10)
_IMAGE = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "ImageInspectError"})
_START = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PostStartHookError"})
_ELSEWHERE = {"WrongPort": "wrong-port", "LoopbackOnly": "loopback-only"}
_NOT_RUN = frozenset({"StartError", "ContainerCannotRun"})
_KILLED = (137, 143)
_LOOP = 3


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of a release, why (one of `REASONS`), and a sentence that says what was seen and what to change.

    `log_tail` holds the last lines, at most 20, of the container in `pod`, which the sentence speaks of ("" for none).
    `ready` of `desired` pods are ready.
    """

    state: State
    reason: str
    message: str
    log_tail: tuple[str, ...] = ()
    ready: int = 0
    desired: int = 0
    pod: str = ""


@dataclass(frozen=True, slots=True)
class _Finding:
    state: State
    reason: str
    message: str
    pod: str = ""

    @property
    def rank(self) -> tuple[bool, int]:
        return (self.state != "failed", REASONS.index(self.reason))


def judge_readiness(deployment: Json | None, pods: Sequence[Json], events: Sequence[Json], now: datetime) -> Readiness:
    """The readiness of a release from its Deployment, its pods, and the events about them, as the API gives them."""
    if deployment is None:
        return Readiness("failed", "absent", sentences.ABSENT)
    status, spec = deployment.get("status") or {}, deployment["spec"]
    desired = int(spec.get("replicas", 1))
    current = int(status.get("observedGeneration", 0)) >= int(deployment["metadata"].get("generation", 0))
    ready = min(int(status.get("readyReplicas", 0)), int(status.get("updatedReplicas", 0))) if current else 0
    if current and ready >= desired:
        return Readiness("ready", "ready", sentences.ready(ready, desired), (), ready, desired)
    findings = [_Finding("waiting", "starting", sentences.starting(ready, desired)), *_refusals(deployment, now)]
    for pod in pods:
        findings += _pod_findings(pod, events, now)
    worst = min(findings, key=lambda finding: finding.rank)
    if worst.state == "waiting" and _overdue(deployment, now):
        limit = int(spec.get("progressDeadlineSeconds", 600))
        worst = replace(worst, state="failed", message=sentences.overdue(limit, worst.message))
    return Readiness(worst.state, worst.reason, worst.message, (), ready, desired, worst.pod)


def is_ready(pod: Json) -> bool:
    """Whether the pod's Ready condition is true."""
    return (_condition(pod, "Ready") or {}).get("status") == "True"


def app_status(pod: Json) -> Json:
    """The status of the application's container, or {}."""
    statuses: Sequence[Json] = (pod.get("status") or {}).get("containerStatuses") or ()
    return next((status for status in statuses if status.get("name") == CONTAINER), {})


def last_end(pod: Json) -> Json | None:
    """How the application's process last ended, or None if it never did."""
    status = app_status(pod)
    ended: Json | None = (status.get("state") or {}).get("terminated") or (status.get("lastState") or {}).get("terminated")
    return ended


def _pod_findings(pod: Json, events: Sequence[Json], now: datetime) -> Iterator[_Finding]:
    """What one pod has to say. A pod that is ready or on its way out says nothing."""
    name = pod["metadata"]["name"]
    if pod["metadata"].get("deletionTimestamp") or is_ready(pod):
        return
    about = [event for event in events if (event.get("involvedObject") or {}).get("name") == name]
    if (finding := _ended(pod, about, now)) or (finding := _not_started(pod)) or (finding := _elsewhere(pod, about, now)):
        yield finding
    scheduled = _condition(pod, "PodScheduled") or {}
    if scheduled.get("status") == "False":
        yield _Finding("waiting", "unschedulable", sentences.unschedulable(str(scheduled.get("message") or "")), name)
    if "running" in (app_status(pod).get("state") or {}):
        failures = [event for event in about if event.get("reason") == "Unhealthy"]
        if failures:
            said = str(max(failures, key=_last_seen).get("message") or "")
            yield _Finding("waiting", "probe-failing", sentences.probe_failing(said, _port(pod)), name)


def _ended(pod: Json, events: Sequence[Json], now: datetime) -> _Finding | None:
    end, status, name = last_end(pod), app_status(pod), pod["metadata"]["name"]
    if end is None:
        return None
    running = "running" in (status.get("state") or {})
    if running and (finished := _time(end.get("finishedAt"))) and now - finished > STALE:
        return None  # it came back long ago: what keeps the pod from being ready now is something else
    code, ends = int(end.get("exitCode", 0)), int(status.get("restartCount", 0)) + (not running)
    if end.get("reason") == "OOMKilled":
        return _Finding("failed", "out-of-memory", sentences.out_of_memory(_memory(pod)), name)
    if end.get("reason") in _NOT_RUN:
        return _Finding("failed", "cannot-start", sentences.cannot_start(str(end.get("message") or end["reason"])), name)
    killed = [event for event in events if event.get("reason") == "Killing" and "probe" in str(event.get("message"))]
    if killed and code in _KILLED:
        return _Finding("failed", "probe-failing", sentences.killed(str(killed[-1].get("message")), _port(pod)), name)
    state: State = "failed" if code != 0 or ends >= 2 else "waiting"
    message = sentences.exited(code, ends, _lifetime(end))
    return _Finding(state, "crash-loop" if ends >= _LOOP else "exited", message, name)


def _not_started(pod: Json) -> _Finding | None:
    waiting = (app_status(pod).get("state") or {}).get("waiting") or {}
    reason, said, name = waiting.get("reason"), str(waiting.get("message") or ""), pod["metadata"]["name"]
    if reason in _IMAGE:
        return _Finding("failed", "image-missing", sentences.image_missing(said or str(reason)), name)
    if reason in _START:
        return _Finding("failed", "cannot-start", sentences.cannot_start(said or str(reason)), name)
    return None


def _elsewhere(pod: Json, events: Sequence[Json], now: datetime) -> _Finding | None:
    """A process that listens where nobody can reach it. What was seen of an earlier process of the pod does not count."""
    began = _time(((app_status(pod).get("state") or {}).get("running") or {}).get("startedAt"))
    if began is None:
        return None
    seen = [event for event in events if event.get("reason") in _ELSEWHERE and _last_seen(event) >= began]
    if not seen:
        return None
    last = max(seen, key=_last_seen)
    same = [event for event in seen if event["reason"] == last["reason"]]
    since = max(min(_first_seen(event) for event in same), began)
    settled = max(now, _last_seen(last)) - since >= SETTLING
    message = sentences.elsewhere(str(last.get("message") or ""))
    return _Finding("failed" if settled else "waiting", _ELSEWHERE[last["reason"]], message, pod["metadata"]["name"])


def _refusals(deployment: Json, now: datetime) -> Iterator[_Finding]:
    """Pods that the cluster does not even let be created: for a moment that is an old pod's quota, later it is the rule."""
    failure = _condition(deployment, "ReplicaFailure") or {}
    if failure.get("status") == "True":
        since = _time(failure.get("lastTransitionTime")) or now
        state: State = "failed" if now - since >= REFUSAL else "waiting"
        yield _Finding(state, "refused", sentences.refused(str(failure.get("message") or "")))


def _overdue(deployment: Json, now: datetime) -> bool:
    """Whether the deadline has passed since the Deployment last made progress. Once complete, it has none any more."""
    progress = _condition(deployment, "Progressing") or {}
    if progress.get("reason") == "ProgressDeadlineExceeded":
        return True
    if progress.get("reason") == "NewReplicaSetAvailable":
        return False
    since = _time(progress.get("lastUpdateTime") or deployment["metadata"].get("creationTimestamp"))
    limit = timedelta(seconds=int(deployment["spec"].get("progressDeadlineSeconds", 600)))
    return since is not None and now - since >= limit


def _condition(thing: Json, kind: str) -> Json | None:
    conditions: Sequence[Json] = (thing.get("status") or {}).get("conditions") or ()
    return next((condition for condition in conditions if condition.get("type") == kind), None)


def _container(pod: Json) -> Json:
    return next((each for each in (pod.get("spec") or {}).get("containers") or () if each.get("name") == CONTAINER), {})


def _port(pod: Json) -> int | None:
    ports = _container(pod).get("ports") or ()
    return int(ports[0]["containerPort"]) if ports else None


def _memory(pod: Json) -> str:
    return str(((_container(pod).get("resources") or {}).get("limits") or {}).get("memory") or "")


def _lifetime(end: Json) -> float | None:
    began, finished = _time(end.get("startedAt")), _time(end.get("finishedAt"))
    return None if began is None or finished is None else max(0.0, (finished - began).total_seconds())


def _first_seen(event: Json) -> datetime:
    return _event_time(event, "firstTimestamp")


def _last_seen(event: Json) -> datetime:
    return _event_time(event, "lastTimestamp")


def _event_time(event: Json, field: str) -> datetime:
    """An event's time; newer reporters leave the old fields empty."""
    written = event.get(field) or event.get("eventTime") or (event.get("metadata") or {}).get("creationTimestamp")
    return parse_iso(str(written or "1970-01-01T00:00:00Z"))


def _time(text: object) -> datetime | None:
    return parse_iso(str(text)) if text else None
