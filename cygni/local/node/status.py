"""A pod's status as the kubelet would write it, from what the node knows of its containers. Pure but for `timestamp`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from cygni.local.node import rules
from cygni.local.node.rules import Running, State, Terminated, Waiting
from cygni.local.node.spec import Object, Pod

ADDRESS = "127.0.0.1"
OURS = ("PodScheduled", "Initialized", "ContainersReady", "Ready")


def timestamp(moment: datetime | None = None) -> str:
    """A moment (default: now) as the API writes time: UTC, whole seconds."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class ContainerView:
    """One container as it is now. `note` says why a running one is not ready, when the node found out."""

    name: str
    image: str
    state: State
    image_id: str = ""
    container_id: str = ""
    last: Terminated | None = None
    restarts: int = 0
    started: bool = False
    ready: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class PodView:
    """One pod as it is now. `leaving` is why it takes no traffic any more: it is being deleted, or the node stops."""

    init: tuple[ContainerView, ...]
    main: tuple[ContainerView, ...]
    sidecars: frozenset[str] = frozenset()
    leaving: str = ""


def render(pod: Pod, view: PodView, before: Object, now: datetime) -> Object:
    """The status of a pod; `before` is its status so far, which lends its start time and times of transition."""
    main = [(container.state, container.last) for container in view.main]
    init = [container.state for container in view.init if container.name not in view.sidecars]
    phase = rules.pod_phase(pod.restart_policy, init, main)
    return {
        "phase": phase,
        "startTime": before.get("startTime") or timestamp(now),
        "hostIP": ADDRESS,
        "hostIPs": [{"ip": ADDRESS}],
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
        "conditions": _conditions(pod, view, phase, before.get("conditions") or [], now),
        "containerStatuses": [_container(container) for container in view.main],
        **({"initContainerStatuses": [_container(_complete(one, view)) for one in view.init]} if view.init else {}),
    }


def _conditions(pod: Pod, view: PodView, phase: str, before: Sequence[Object], now: datetime) -> list[Object]:
    foreign = [condition for condition in before if condition["type"] not in OURS]
    true = {condition["type"] for condition in foreign if condition["status"] == "True"}
    unready = _unready(view)
    uninitialized = [one.name for one in view.init if not _initialized(one, view)]
    if phase in ("Succeeded", "Failed"):
        ready = ("PodCompleted", "") if phase == "Succeeded" else ("PodFailed", unready)
    else:
        ready = ("ContainersNotReady", unready) if unready else ("", "")
    gates = [gate for gate in pod.gates if gate not in true]
    whole = ready if ready[0] or not gates else ("ReadinessGatesNotReady", f"conditions not true: {', '.join(gates)}")
    incomplete = f"containers with incomplete status: [{' '.join(uninitialized)}]"
    starting = ("ContainersNotInitialized", incomplete) if uninitialized else ("", "")
    found = {"PodScheduled": ("", ""), "Initialized": starting, "ContainersReady": ready, "Ready": whole}
    known = {condition["type"]: condition for condition in before}
    return [_condition(name, *found[name], known.get(name), now) for name in OURS] + foreign


def _condition(name: str, reason: str, message: str, before: Object | None, now: datetime) -> Object:
    status = "False" if reason else "True"
    same = before is not None and before["status"] == status
    since = (before or {}).get("lastTransitionTime") if same else None
    condition: Object = {"type": name, "status": status, "lastProbeTime": None, "lastTransitionTime": since or timestamp(now)}
    return condition | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def _unready(view: PodView) -> str:
    """Why the pod's containers are not all ready; empty when they are."""
    if view.leaving:
        return view.leaving
    asked = [*view.main, *(one for one in view.init if one.name in view.sidecars)]
    names = [container.name for container in asked if not container.ready]
    notes = [container.note for container in asked if container.note and not container.ready]
    return "; ".join([f"containers with unready status: [{' '.join(names)}]", *notes]) if names else ""


def _initialized(container: ContainerView, view: PodView) -> bool:
    if container.name in view.sidecars:
        return container.started
    return isinstance(container.state, Terminated) and container.state.exit_code == 0


def _complete(container: ContainerView, view: PodView) -> ContainerView:
    """An init container as it is shown: one that has done its work is ready."""
    return container if container.name in view.sidecars else replace(container, ready=_initialized(container, view))


def _container(container: ContainerView) -> Object:
    return {
        "name": container.name,
        "image": container.image,
        "imageID": container.image_id,
        **({"containerID": container.container_id} if container.container_id else {}),
        "ready": container.ready,
        "started": container.started,
        "restartCount": container.restarts,
        "state": _state(container.state),
        "lastState": _state(container.last) if container.last else {},
    }


def _state(state: State) -> Object:
    match state:
        case Waiting():
            return {"waiting": {"reason": state.reason} | ({"message": state.message} if state.message else {})}
        case Running():
            return {"running": {"startedAt": timestamp(state.started_at)}}
        case Terminated():
            times = {
                "startedAt": timestamp(state.started_at) if state.started_at else None,
                "finishedAt": timestamp(state.finished_at),
            }
            told = {"message": state.message, "containerID": state.container_id}
            ended = {"exitCode": state.exit_code, "reason": state.reason, **times, **told}
            return {"terminated": {key: value for key, value in ended.items() if value not in ("", None)}}
