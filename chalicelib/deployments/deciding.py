"""Who or what decided how a deployment goes: the judge, a person, or neither. Pure.

1. Before a rollout turns to its end nobody has decided it, whatever became of its earlier steps.
2. The judge decided when the reason of the rollout is that of a stored verdict; a person when it is that of a request.
3. Whatever else ended it (an instance that did not start, a build, a fault) is told by its own reason.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.states import ENDED, Request, State
from chalicelib.rollouts.service import ENDED as ROLLOUT_ENDED
from chalicelib.rollouts.service import ENDING, WATCHED, Event, Evidence, RolloutState, asked_by_hand

_ENDS = ENDING | ROLLOUT_ENDED
_ASKED = {
    Event.ABORT_REQUESTED: Request.ABORT,
    Event.PROMOTE_NOW_REQUESTED: Request.PROMOTE,
    Event.RESUME_REQUESTED: Request.RESUME,
}


@dataclass(frozen=True, slots=True)
class Decided:
    """Who decided, and the reason in a sentence; `by` is the subject of a person's request.

    `other`: neither the judge nor a person did. `nobody`: nothing is decided yet, and the reason says what it is at.
    """

    kind: Literal["judge", "person", "other", "nobody"]
    reason: str
    by: str | None = None


def decided(record: DeploymentRecord, steps: Iterable[Evidence]) -> Decided:
    """Who decided how the deployment goes, or why nobody has yet. `steps` is what is known of its steps."""
    rollout = record.rollout_state
    if rollout is None:
        return _without_rollout(record)
    if rollout.phase not in _ENDS:
        return Decided("nobody", _stands(rollout))
    asked = asked_by_hand(rollout.reason)
    if asked is not None:
        return Decided("person", rollout.reason, _who(record, _ASKED[asked]))
    if any(rollout.reason == step.verdict.reason for step in steps):
        return Decided("judge", rollout.reason)
    return Decided("other", _unjudged(record, rollout))


def came_to(record: DeploymentRecord) -> tuple[datetime, int] | None:
    """When the traffic went to one version for good, and the canary's percent since; None before it did."""
    rollout = record.rollout_state
    if rollout is None or not (rollout.phase in ROLLOUT_ENDED or (rollout.phase in ENDING and rollout.weights_known)):
        return None
    moved = next((event.at for event in reversed(record.events()) if event.kind == "shifted"), None)
    return None if moved is None else (moved, rollout.weight)


def _without_rollout(record: DeploymentRecord) -> Decided:
    if State(record.state) not in ENDED:
        return Decided("nobody", f"The deployment is still {record.state.replace('_', ' ')}: its rollout has not begun.")
    reason = record.outcome or f"The deployment is {record.state}."
    by = _who(record, Request.ABORT) if State(record.state) is State.CANCELLED else None
    return Decided("person" if by else "other", reason, by)


def _stands(rollout: RolloutState) -> str:
    phase = rollout.phase.value.replace("_", " ")
    if rollout.phase not in WATCHED:
        return f"The rollout is {phase}: no step of it is being watched just now."
    if rollout.held:
        return f"{rollout.reason} Step {rollout.step + 1} waits until a person lets the rollout on."
    return f"Step {rollout.step + 1} is being watched; the rollout is {phase}."


def _unjudged(record: DeploymentRecord, rollout: RolloutState) -> str:
    """Why there was nothing to judge, where a release took all the traffic without; else the rollout's own reason."""
    if rollout.weight != 100:
        return rollout.reason
    if record.kind == "rollback":
        return "It returned to an earlier release, which took all the traffic once it was ready, without being judged."
    if rollout.first_release:
        return "It was the service's first release: with nothing to compare it with, it took all the traffic once it was ready."
    if record.strategy and record.strategy.get("recreate"):
        return "It was recreated, which nothing judges: it took all the traffic once it was ready."
    if not record.step_weights:
        return "Its strategy has no steps: it took all the traffic once it was ready, without being judged."
    return rollout.reason


def _who(record: DeploymentRecord, wish: Request) -> str | None:
    """Who asked for it last. A long timeline may have lost the entry, the record keeps the last request's."""
    kinds = {f"{wish.value}_requested", "cancelled"}
    asked = (event.by for event in reversed(record.events()) if event.kind in kinds and event.by is not None)
    return next(asked, record.requested_by)
