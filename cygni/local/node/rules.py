"""What the node decides about containers and pods, from what it observes. Pure: time comes in, nothing goes out.

1. A restart is never lost and never hurried: the first is immediate, later ones wait `base` seconds, doubling up to `cap`;
   a long good run forgives all earlier ones.
2. A probe changes its verdict only after as many equal answers in a row as its threshold asks for.
3. A pod's phase follows from its containers' states alone, as the kubelet derives it.
4. Quick retries after a start make a ready container known early; they never make a slow one fail earlier.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cygni.local.node.spec import Probe, RestartPolicy


@dataclass(frozen=True, slots=True)
class Waiting:
    """Not running, and may run yet."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Running:
    """A process runs since `started_at`."""

    started_at: datetime


@dataclass(frozen=True, slots=True)
class Terminated:
    """The process ended. `exit_code` is 128 + N when signal N ended it."""

    exit_code: int
    reason: str
    started_at: datetime | None
    finished_at: datetime
    message: str = ""
    container_id: str = ""


State = Waiting | Running | Terminated


@dataclass(frozen=True, slots=True)
class BackOff:
    """How restarts are slowed: `base` seconds, doubling up to `cap`."""

    base: float = 10.0
    cap: float = 300.0

    def delay(self, streak: int) -> float:
        """Seconds before the next restart, when `streak` restarts came before it without a long good run."""
        if streak <= 0:
            return 0.0
        return min(self.cap, self.base * 2.0 ** min(streak - 1, 32))


@dataclass(frozen=True, slots=True)
class Restart:
    """Start the container again after `delay` seconds; `streak` counts this restart."""

    delay: float
    streak: int


def after_exit(policy: RestartPolicy, exit_code: int, *, streak: int, ran_for: float, back_off: BackOff) -> Restart | None:
    """What follows when a container ended after `ran_for` seconds: a restart, or None when it is over for good."""
    if policy == "Never" or (policy == "OnFailure" and exit_code == 0):
        return None
    if ran_for > 2 * back_off.cap:
        streak = 0
    return Restart(back_off.delay(streak), streak + 1)


def exit_reason(exit_code: int, *, out_of_memory: bool) -> str:
    """The reason the kubelet writes for an ended container."""
    if out_of_memory:
        return "OOMKilled"
    return "Completed" if exit_code == 0 else "Error"


@dataclass(frozen=True, slots=True)
class Tally:
    """The answers to one probe so far: `run` equal ones in a row, the last being `last`; `verdict` is None before the first."""

    verdict: bool | None = None
    last: bool | None = None
    run: int = 0

    def counted(self, ok: bool, probe: Probe) -> Tally:
        """The tally with one more answer."""
        run = self.run + 1 if ok == self.last else 1
        reached = run >= (probe.success_threshold if ok else probe.failure_threshold)
        return Tally(ok if reached else self.verdict, ok, run)


QUICK_PAUSES = ((3.0, 0.1), (15.0, 0.25), (60.0, 1.0))
"""Until so many seconds after a start, an unanswered probe is asked again after so many seconds."""


def probe_pause(probe: Probe, *, since_start: float, answered: bool) -> float:
    """Seconds until a probe is asked again. Until its first success it is asked often at first, whatever its period."""
    if not answered:
        for until, pause in QUICK_PAUSES:
            if since_start < until:
                return min(pause, probe.period)
    return probe.period


def failure_counts(probe: Probe, *, since_counted: float) -> bool:
    """Whether a failed answer counts towards the threshold, `since_counted` seconds after the last that did (or the start).

    Quick retries come between the probe's own times; only one failure a period counts.
    """
    return since_counted >= probe.period - 0.05


def pod_phase(policy: RestartPolicy, init: Sequence[State], main: Sequence[tuple[State, Terminated | None]]) -> str:
    """Pending, Running, Succeeded or Failed, from the states of init containers and of containers with their last end."""
    if policy == "Never" and any(isinstance(state, Terminated) and state.exit_code != 0 for state in init):
        return "Failed"
    if any(not isinstance(state, Terminated) or state.exit_code != 0 for state in init):
        return "Pending"
    if any(isinstance(state, Waiting) and last is None for state, last in main):
        return "Pending"
    if any(isinstance(state, Running) for state, _ in main) or policy == "Always":
        return "Running"
    if all(isinstance(state, Terminated) and state.exit_code == 0 for state, _ in main):
        return "Succeeded"
    return "Failed" if policy == "Never" else "Running"


def worth_publishing(published: int | None, now: int) -> bool:
    """Whether a CPU use in millicores differs noticeably from the published one: by 10 millicores and by a tenth."""
    return published is None or abs(now - published) >= max(10, published // 10)


def unschedulable(pod: dict[str, object], labels: dict[str, str], room: int) -> str:
    """Why a pending pod cannot be bound to a node with these labels and room for so many more pods; empty if it can."""
    spec = pod.get("spec")
    if not isinstance(spec, dict):
        return "the pod has no spec"
    if spec.get("schedulingGates"):
        return "the pod has scheduling gates"
    if spec.get("schedulerName", "default-scheduler") != "default-scheduler":
        return f"the pod asks for the scheduler {spec['schedulerName']}"
    wanted = spec.get("nodeSelector") or {}
    missing = sorted(f"{key}={value}" for key, value in wanted.items() if labels.get(key) != value)
    if missing:
        return f"0/1 nodes are available: the node lacks {', '.join(missing)}"
    return "" if room > 0 else "0/1 nodes are available: too many pods"
