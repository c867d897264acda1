"""A deployment's state, what may be asked of it, and how it ends. Pure.

1. A deployment ends once; an ended one takes no request and changes no more.
2. An abort outranks every other request that was not yet taken up.
3. How it ended is read from what happened to its build and its rollout, never from a workflow's opinion.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.deployments.states import ENDED, Request, State
from chalicelib.rollouts.service import Event, Phase, RolloutState, ready_to_promote

REQUEST_EVENTS = {
    Request.ABORT: Event.ABORT_REQUESTED,
    Request.PAUSE: Event.PAUSE_REQUESTED,
    Request.RESUME: Event.RESUME_REQUESTED,
    Request.PROMOTE: Event.PROMOTE_NOW_REQUESTED,
}


@dataclass(frozen=True, slots=True)
class Ending:
    """How a deployment ended, and the sentence that says why."""

    state: State
    outcome: str


def refusal(request: Request, state: State, rollout: RolloutState | None, standing: str | None = None) -> str | None:
    """Why a request cannot be taken now, as a sentence; None when it can. `standing` is one that was not yet taken up.

    Going on is asked of what is paused alone: asked too early it would approve a step that nobody has seen.
    """
    if state in ENDED:
        return f"The deployment has ended: it is {state.value.replace('_', ' ')}."
    if request is Request.ABORT:
        return None
    if rollout is None:
        stands = state.value.replace("_", " ")
        return f"The deployment is still {stands}; it can be aborted, and has nothing yet to {request.value}."
    if request is Request.PROMOTE and not ready_to_promote(rollout.phase):
        return f"The release cannot be promoted while it is {_phase(rollout)}."
    if request in (Request.PAUSE, Request.RESUME) and rollout.phase in _CLOSING:
        return f"The rollout is {_phase(rollout)}; it is too late to {request.value} it."
    if request is Request.RESUME and not rollout.paused and standing != Request.PAUSE:
        return f"The rollout is not paused; it is {_phase(rollout)}."
    return None


def merged(request: Request, standing: str | None) -> Request:
    """The request that stands when one is asked for while another was not yet taken up."""
    return Request.ABORT if standing == Request.ABORT else request


def ending(rollout: RolloutState | None, *, aborted: bool, build_state: str | None, build_error: str | None) -> Ending | None:
    """How a deployment ended, from the facts; None while its rollout still has to be brought to an end."""
    if rollout is not None and rollout.phase is Phase.PROMOTED:
        return Ending(State.PROMOTED, rollout.reason or "Every gate was kept to.")
    if rollout is not None and rollout.phase is Phase.ROLLED_BACK:
        return Ending(State.ROLLED_BACK, rollout.reason or "The stable version has all the traffic.")
    if rollout is not None and rollout.phase is not Phase.PENDING:
        return None
    if aborted or build_state == "cancelled":
        return Ending(State.CANCELLED, "Aborted before it reached the cluster.")
    if build_state == "failed":
        return Ending(State.FAILED, build_error or "The build failed.")
    return None


_CLOSING = frozenset({Phase.PROMOTING, Phase.SETTLING, Phase.ROLLING_BACK, Phase.PROMOTED, Phase.ROLLED_BACK})


def _phase(rollout: RolloutState) -> str:
    return rollout.phase.value.replace("_", " ")
