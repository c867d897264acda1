"""Deployments of the fake control plane: scripts of frames, one played at each look at the timeline."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True)
class Frame:
    """One step of a scripted deployment; what is None stays as it was."""

    state: str
    kind: str | None = None
    message: str = ""
    lines: tuple[str, ...] = ()
    weight: int | None = None
    canary: tuple[int, int, float] | None = None
    outcome: str | None = None


def promoted() -> tuple[Frame, ...]:
    """A build, two steps, promotion."""
    return (
        Frame("building", "building", "The build has begun."),
        Frame("building", lines=("Installing dependencies", "Built in 3 s")),
        Frame("rolling_out", "rolling_out", "Release is written to the cluster.", lines=("Done",), weight=0),
        Frame("rolling_out", "shifted", "10 % of requests.", weight=10, canary=(120, 0, 34.0)),
        Frame("rolling_out", "verdict", "advance: all gates pass.", weight=50, canary=(640, 1, 36.0)),
        Frame("promoted", "promoted", "All requests go to the release.", weight=100, outcome="All gates passed at every step."),
    )


def rolled_back(why: str = "errorRate is 21.0 %, above the limit of 5.0 %.") -> tuple[Frame, ...]:
    """A canary that is caught."""
    return (
        Frame("rolling_out", "shifted", "10 % of requests.", weight=10, canary=(40, 9, 30.0)),
        Frame("rolled_back", "rolled_back", why, weight=0, outcome=why),
    )


def proposed() -> tuple[Frame, ...]:
    """What a Developer deploys to production: it awaits approval, and is promoted after it."""
    asked = Frame("awaiting_approval", "approval_needed", "In production, an Owner or Admin has to approve it.")
    return (asked, *promoted())


def ended(state: str, outcome: str, *lines: str) -> tuple[Frame, ...]:
    """An end without traffic."""
    return (Frame("building", "building", lines=lines), Frame(state, state, outcome, outcome=outcome))


@dataclass
class Deployment:
    """A deployment and the rest of its script."""

    view: dict[str, Any]
    script: list[Frame]
    events: list[dict[str, Any]] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    canary: tuple[int, int, float] | None = None

    def advance(self) -> None:
        """Play the next frame; none while an approval is awaited."""
        if not self.script or self.view["state"] == "awaiting_approval":
            return
        frame = self.script.pop(0)
        rollout = self.view["rollout"]
        if frame.weight is not None:
            step = 0 if frame.weight <= 10 else 1
            rollout = {
                "phase": "analysing",
                "step": step,
                "steps": [10, 50],
                "weight": frame.weight,
                "paused": False,
                "reason": "",
            }
        over = frame.state not in {"awaiting_approval", "queued", "building", "rolling_out"}
        self.view.update(
            state=frame.state, rollout=rollout, outcome=frame.outcome, ended=over, ended_at=START if over else None
        )
        if frame.state not in {"awaiting_approval", "queued", "building"}:
            self.view["image"] = "registry.localhost/shop/web@sha256:" + "ab" * 32
        self.log.extend(frame.lines)
        self.canary = frame.canary
        if frame.kind is not None:
            self.tell(frame.kind, frame.message)

    def tell(self, kind: str, message: str, by: str | None = None) -> None:
        """Add an event."""
        at = START + timedelta(seconds=len(self.events))
        self.events.append({"seq": len(self.events) + 1, "at": at, "kind": kind, "message": message, "by": by})
