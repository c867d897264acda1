"""The rollout's rows, as data: (phase, event) → next phase, effects, and the sentence for people.

`transitions.apply` walks them, `docs/rollouts.md` prints them, the model check visits all that they lead to. A pair
without a row changes nothing.

Where instances move in batches, no weight is set before the instances that it needs are there: each batch begins with `RESIZE`,
and what promotes or turns back resizes before it sets weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Phase(StrEnum):
    """Where a rollout stands."""

    PENDING = "pending"
    PREPARING = "preparing"
    AWAITING_READY = "awaiting_ready"
    SHIFTING = "shifting"
    ANALYSING = "analysing"
    PAUSED = "paused"
    PROMOTING = "promoting"
    SETTLING = "settling"
    PROMOTED = "promoted"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"


class Event(StrEnum):
    """What can happen to a rollout."""

    STARTED = "started"
    APPLIED = "applied"
    READY = "ready"
    NOT_READY = "not_ready"
    SHIFTED = "shifted"
    ADVANCE = "advance"
    HOLD = "hold"
    PROMOTE = "promote"
    ROLL_BACK = "roll_back"
    INCONCLUSIVE = "inconclusive"
    PAUSE_REQUESTED = "pause_requested"
    RESUME_REQUESTED = "resume_requested"
    PROMOTE_NOW_REQUESTED = "promote_now_requested"
    ABORT_REQUESTED = "abort_requested"
    WEIGHTS_STABLE = "weights_stable"
    SETTLED = "settled"
    FAILED = "failed"


class Effect(StrEnum):
    """What is to be done in the world; each may be done twice."""

    STOP_STABLE = "stop_stable"
    APPLY_RELEASE = "apply_release"
    RESIZE = "resize"
    SET_WEIGHTS = "set_weights"
    SAMPLE = "sample"
    RETIRE_OLD = "retire_old"
    RETIRE_CANARY = "retire_canary"
    RESTORE_STABLE = "restore_stable"
    RECORD = "record"


class Guard(StrEnum):
    """A fact of the state that decides between two rows of one phase and event."""

    PAUSED = "pause asked"
    NO_STEPS = "first release, or no steps"
    LAST_STEP = "no step left"
    WEIGHTS_KNOWN = "weights in effect"
    RECREATE = "recreated"
    ROLLING = "rolling"
    APPROVAL = "step needs approval"
    HELD = "waits for approval"
    HELD_LAST = "waits for approval, and no step left"


class Share(StrEnum):
    """The canary's share of the traffic that a row asks for."""

    STEP = "the step's"
    NEXT_STEP = "the next step's"
    NEXT_BATCH = "the present one, until the next step is ready"
    ALL = "100"
    NONE = "0"


class Turn(StrEnum):
    """What a row does to the wish to be paused. `hold`: the step is over, and a person has to let the rollout on."""

    PAUSE = "pause"
    RESUME = "resume"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row: where it leads and what is to be done, with the sentence that tells it to people.

    With a guard the row holds only if the guard does, else `otherwise`. `share` says which weight `SET_WEIGHTS` sets.
    """

    to: Phase
    effects: tuple[Effect, ...]
    sentence: str
    share: Share | None = None
    turn: Turn | None = None
    guard: Guard | None = None
    otherwise: Rule | None = None


ENDED = frozenset({Phase.PROMOTED, Phase.ROLLED_BACK})
"""The phases that nothing leaves."""

ENDING = frozenset({Phase.PROMOTING, Phase.SETTLING, Phase.ROLLING_BACK})
"""The phases on the way to an end: pauses and verdicts come too late."""

_SHOWING = (Effect.SAMPLE, Effect.RECORD)
_MOVING = (Effect.SET_WEIGHTS, Effect.RECORD)


def _back(sentence: str) -> Rule:
    return Rule(Phase.ROLLING_BACK, _MOVING, sentence, Share.NONE)


def _restore(sentence: str) -> Rule:
    return Rule(Phase.ROLLING_BACK, (Effect.RESTORE_STABLE, *_MOVING), sentence, Share.NONE)


def _wish(phase: Phase, turn: Turn, sentence: str) -> Rule:
    return Rule(phase, (Effect.RECORD,), sentence, turn=turn)


_PROMOTE = Rule(Phase.PROMOTING, _MOVING, "All traffic moves to the release.", Share.ALL)
_NEXT_STEP = Rule(
    Phase.AWAITING_READY,
    (Effect.RESIZE, Effect.RECORD),
    "The batch kept to every gate; the instances of the next one start.",
    Share.NEXT_BATCH,
    guard=Guard.ROLLING,
    otherwise=Rule(Phase.SHIFTING, _MOVING, "The canary kept to every gate; the next step begins.", Share.NEXT_STEP),
)


def _unless_held(otherwise: Rule) -> Rule:
    said = "The step kept to every gate; the next waits until a person lets the rollout on."
    return Rule(Phase.PAUSED, _SHOWING, said, turn=Turn.HOLD, guard=Guard.APPROVAL, otherwise=otherwise)


_PROMOTE_NOW = Rule(Phase.PROMOTING, _MOVING, "A person promoted the release; its remaining steps are skipped.", Share.ALL)
_ABORTED = _back("A person aborted the rollout.")
_FAILED = _back("A step of the rollout failed.")
_NOT_READY = _back("The release is not ready.")
_CONDEMNED = _back("The canary broke a gate, or nothing certain was seen in time.")
_PAUSED_LOOK = Rule(Phase.PAUSED, _SHOWING, "Paused: the weights stay, the gates still watch.")

_FORWARD: dict[tuple[Phase, Event], Rule] = {
    (Phase.PENDING, Event.STARTED): Rule(
        Phase.PREPARING,
        (Effect.STOP_STABLE, Effect.APPLY_RELEASE, Effect.RECORD),
        "What is live is stopped, then the release is written to the cluster.",
        guard=Guard.RECREATE,
        otherwise=Rule(Phase.PREPARING, (Effect.APPLY_RELEASE, Effect.RECORD), "The release is written to the cluster."),
    ),
    (Phase.PREPARING, Event.APPLIED): Rule(
        Phase.AWAITING_READY,
        (Effect.RESIZE, Effect.RECORD),
        "The cluster has the release; the instances of its first batch start.",
        guard=Guard.ROLLING,
        otherwise=Rule(Phase.AWAITING_READY, (Effect.RECORD,), "The cluster has the release; its instances start."),
    ),
    (Phase.AWAITING_READY, Event.READY): Rule(
        Phase.PAUSED,
        _SHOWING,
        "The release is ready, and waits as it stands because a pause was asked for.",
        guard=Guard.PAUSED,
        otherwise=Rule(
            Phase.PROMOTING,
            _MOVING,
            "The release is ready and takes all traffic at once.",
            Share.ALL,
            guard=Guard.NO_STEPS,
            otherwise=Rule(Phase.SHIFTING, _MOVING, "The release is ready; the step's traffic moves to it.", Share.STEP),
        ),
    ),
    (Phase.SHIFTING, Event.SHIFTED): Rule(
        Phase.PAUSED,
        _SHOWING,
        "The step's traffic moved; the rollout pauses as asked.",
        guard=Guard.PAUSED,
        otherwise=Rule(Phase.ANALYSING, _SHOWING, "The step's traffic moved; the canary is watched."),
    ),
    (Phase.ANALYSING, Event.ADVANCE): _unless_held(
        Rule(
            Phase.PROMOTING,
            _MOVING,
            "No step is left: all traffic moves to the release.",
            Share.ALL,
            guard=Guard.LAST_STEP,
            otherwise=_NEXT_STEP,
        )
    ),
    (Phase.ANALYSING, Event.HOLD): Rule(Phase.ANALYSING, _SHOWING, "The step goes on."),
    (Phase.ANALYSING, Event.INCONCLUSIVE): Rule(Phase.ANALYSING, _SHOWING, "Nothing certain yet; the step goes on."),
    (Phase.ANALYSING, Event.PROMOTE): _unless_held(_PROMOTE),
    (Phase.ANALYSING, Event.ROLL_BACK): _CONDEMNED,
    (Phase.PAUSED, Event.ADVANCE): _PAUSED_LOOK,
    (Phase.PAUSED, Event.HOLD): _PAUSED_LOOK,
    (Phase.PAUSED, Event.INCONCLUSIVE): _PAUSED_LOOK,
    (Phase.PAUSED, Event.PROMOTE): _PAUSED_LOOK,
    (Phase.PAUSED, Event.ROLL_BACK): _CONDEMNED,
    (Phase.PROMOTING, Event.WEIGHTS_STABLE): Rule(
        Phase.SETTLING, (Effect.RETIRE_OLD, Effect.RECORD), "The release has all traffic; what was stable is retired."
    ),
    (Phase.SETTLING, Event.SETTLED): Rule(Phase.PROMOTED, (Effect.RECORD,), "The release is the stable version."),
    (Phase.ROLLING_BACK, Event.WEIGHTS_STABLE): Rule(
        Phase.ROLLING_BACK, (Effect.RETIRE_CANARY, Effect.RECORD), "The stable version has all traffic; the canary is retired."
    ),
    (Phase.ROLLING_BACK, Event.SETTLED): Rule(
        Phase.ROLLED_BACK,
        (Effect.RECORD,),
        "The stable version has all traffic and the canary is gone.",
        guard=Guard.WEIGHTS_KNOWN,
        otherwise=_back("The canary is gone, but the weights are not yet known to be in effect."),
    ),
}

_WISHES: dict[tuple[Phase, Event], Rule] = {
    (Phase.ANALYSING, Event.PAUSE_REQUESTED): Rule(
        Phase.PAUSED, _SHOWING, "A person paused the rollout: the weights stay.", turn=Turn.PAUSE
    ),
    (Phase.PAUSED, Event.RESUME_REQUESTED): Rule(
        Phase.PROMOTING,
        _MOVING,
        "A person resumed the rollout, which has no steps: all traffic moves to the release.",
        Share.ALL,
        turn=Turn.RESUME,
        guard=Guard.NO_STEPS,
        otherwise=Rule(
            Phase.PROMOTING,
            _MOVING,
            "A person approved the last step: all traffic moves to the release.",
            Share.ALL,
            turn=Turn.RESUME,
            guard=Guard.HELD_LAST,
            otherwise=Rule(
                Phase.SHIFTING,
                _MOVING,
                "A person approved the step: the next one begins.",
                Share.NEXT_STEP,
                turn=Turn.RESUME,
                guard=Guard.HELD,
                otherwise=Rule(
                    Phase.SHIFTING,
                    _MOVING,
                    "A person resumed the rollout: its step begins again.",
                    Share.STEP,
                    turn=Turn.RESUME,
                ),
            ),
        ),
    ),
    **{
        (phase, Event.PAUSE_REQUESTED): _wish(phase, Turn.PAUSE, "A pause is asked for, as soon as nothing is under way.")
        for phase in (Phase.PENDING, Phase.PREPARING, Phase.AWAITING_READY, Phase.SHIFTING)
    },
    **{
        (phase, Event.RESUME_REQUESTED): _wish(phase, Turn.RESUME, "The pause is no longer asked for.")
        for phase in (Phase.PENDING, Phase.PREPARING, Phase.AWAITING_READY, Phase.SHIFTING)
    },
    **{(phase, Event.PROMOTE_NOW_REQUESTED): _PROMOTE_NOW for phase in (Phase.SHIFTING, Phase.ANALYSING, Phase.PAUSED)},
}

_FAULTS: dict[tuple[Phase, Event], Rule] = {
    **{
        (phase, event): rule
        for phase in Phase
        if phase not in ENDED | ENDING
        for event, rule in ((Event.ABORT_REQUESTED, _ABORTED), (Event.FAILED, _FAILED), (Event.NOT_READY, _NOT_READY))
    },
    (Phase.PROMOTING, Event.ABORT_REQUESTED): _ABORTED,
    (Phase.PROMOTING, Event.FAILED): _FAILED,
    (Phase.PROMOTING, Event.NOT_READY): _NOT_READY,
    (Phase.SETTLING, Event.ABORT_REQUESTED): _restore(
        "A person aborted the rollout; the stable version is brought back first."
    ),
    (Phase.SETTLING, Event.FAILED): _restore("A step of the rollout failed; the stable version is brought back first."),
    (Phase.SETTLING, Event.NOT_READY): _restore("The release is not ready; the stable version is brought back first."),
    (Phase.ROLLING_BACK, Event.ABORT_REQUESTED): _back("The rollout already turns back."),
    (Phase.ROLLING_BACK, Event.FAILED): _restore("Turning back met a fault, and is tried again from its beginning."),
}

TABLE: Mapping[tuple[Phase, Event], Rule] = MappingProxyType(_FORWARD | _WISHES | _FAULTS)
"""Every row. A pair that is not here changes nothing."""
