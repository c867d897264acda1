"""What a container's status says of its past, read by a node that starts again. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from cygni.local.node.rules import Terminated
from cygni.local.node.spec import Object

LOST_EXIT_CODE = 137


@dataclass(frozen=True, slots=True)
class Past:
    """`runs` so far; how the `last` one ended, as far as is known; `over` when it is not running because it ended."""

    runs: int = 0
    last: Terminated | None = None
    over: Terminated | None = None


def history(status: Object, now: datetime) -> Past:
    """The past of a container whose status (or nothing) an earlier node process left. What ran then was lost with it."""
    state = status.get("state") or {}
    started = bool(status.get("containerID"))
    runs = int(status.get("restartCount") or 0) + (1 if started else 0)
    if "running" in state:
        began = _moment(state["running"].get("startedAt"))
        message = "the node was started again, and with it this container"
        lost = Terminated(LOST_EXIT_CODE, "ContainerStatusUnknown", began, now, message, status.get("containerID", ""))
        return Past(runs, lost)
    if "terminated" in state:
        ended = _ended(state["terminated"], now)
        return Past(runs, ended, ended)
    last = (status.get("lastState") or {}).get("terminated")
    return Past(runs, _ended(last, now) if last else None)


def _ended(state: Object, now: datetime) -> Terminated:
    return Terminated(
        exit_code=int(state.get("exitCode") or 0),
        reason=state.get("reason") or "Error",
        started_at=_moment(state.get("startedAt")),
        finished_at=_moment(state.get("finishedAt")) or now,
        message=state.get("message") or "",
        container_id=state.get("containerID") or "",
    )


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if text else None
