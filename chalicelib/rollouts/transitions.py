"""What an event makes of a rollout, by the rows of `table.TABLE`.

1. `apply` is total: an event that its phase does not know changes nothing and says so, so that every event may come
   twice or late. Ended phases know no event.
2. The canary gets no traffic before it is ready, and its weight never rises once the rollout turns back.
3. Whatever goes wrong, whoever aborts, in whatever phase: the rollout turns back, and it has turned back only when the
   stable version is known to have all the traffic.
4. Effects are what the task of the phase that is reached must see done. Each may be carried out twice.

The workflow asks `next_task` what runs next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from chalicelib.rollouts.rules import Decision, Strategy, step_of
from chalicelib.rollouts.table import ENDED, ENDING, TABLE, Effect, Event, Guard, Phase, Rule, Share, Turn

__all__ = [
    "ENDED",
    "ENDING",
    "TABLE",
    "WATCHED",
    "Effect",
    "Event",
    "Guard",
    "Instruction",
    "Phase",
    "RolloutState",
    "Rule",
    "Share",
    "Table",
    "Transition",
    "Turn",
    "apply",
    "asked_by_hand",
    "event_of",
    "next_task",
    "ready_to_promote",
]


@dataclass(frozen=True, slots=True)
class RolloutState:
    """A rollout at one moment. `step` counts from 0; `weight` is the canary's percent last asked for.

    `first_release`: there is no stable version to return to. `weights_known`: since turning back or promoting, the
    weights asked for are known to be in effect. `paused`: someone asked for a pause that has not ended, or has to approve.
    `held`: the step is over, and the rollout waits for its approval. `reason`: why it stands where it stands; once it ends,
    why it ends so.
    """

    phase: Phase = Phase.PENDING
    step: int = 0
    weight: int = 0
    first_release: bool = False
    paused: bool = False
    held: bool = False
    weights_known: bool = False
    started_at: datetime | None = None
    step_started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON-able values. It is written with every change, and billed by its size: what has its default is left out."""
        usual = {each.name: each.default for each in fields(self)}
        stored = {key: value for key, value in asdict(self).items() if value != usual[key]} | {"phase": self.phase.value}
        return {key: value.isoformat() if isinstance(value, datetime) else value for key, value in stored.items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> RolloutState:
        """The state that `to_dict` stored."""
        times = ("started_at", "step_started_at", "ended_at")
        read = {key: datetime.fromisoformat(stored[key]) for key in times if stored.get(key)}
        return cls(**{**stored, **read, "phase": Phase(stored["phase"])})


@dataclass(frozen=True, slots=True)
class Instruction:
    """One effect to carry out; `weight` is the canary's percent for `SET_WEIGHTS`, the stable version has the rest."""

    effect: Effect
    weight: int | None = None


Table = Mapping[tuple[Phase, Event], Rule]
"""Rows, as `TABLE` has them."""


class Transition(NamedTuple):
    """What an event did. `known` is False when the phase does not know the event, and nothing changed."""

    state: RolloutState
    effects: tuple[Instruction, ...]
    sentence: str
    known: bool = True


WATCHED = frozenset({Phase.ANALYSING, Phase.PAUSED})
"""The phases in which a step is sampled and judged."""

_TASKS: Mapping[Phase, str] = MappingProxyType(
    {
        Phase.PENDING: "Prepare",
        Phase.PREPARING: "Prepare",
        Phase.AWAITING_READY: "AwaitReady",
        Phase.SHIFTING: "Shift",
        Phase.ANALYSING: "Analyse",
        Phase.PAUSED: "Analyse",
        Phase.PROMOTING: "Promote",
        Phase.SETTLING: "Settle",
        Phase.ROLLING_BACK: "RollBack",
        Phase.PROMOTED: "Done",
        Phase.ROLLED_BACK: "Done",
    }
)

_EVENTS: Mapping[Decision, Event] = MappingProxyType(
    {
        Decision.PROMOTE: Event.PROMOTE,
        Decision.ADVANCE: Event.ADVANCE,
        Decision.HOLD: Event.HOLD,
        Decision.INCONCLUSIVE: Event.INCONCLUSIVE,
        Decision.ROLL_BACK: Event.ROLL_BACK,
    }
)


def next_task(phase: Phase) -> str:
    """The workflow's task that a rollout in this phase needs next; `Done` when it has ended."""
    return _TASKS[phase]


def event_of(decision: Decision) -> Event:
    """The event that a verdict is to the table."""
    return _EVENTS[decision]


def ready_to_promote(phase: Phase) -> bool:
    """Whether a person may promote now: the release is ready and has not yet been promoted or turned back."""
    return (phase, Event.PROMOTE_NOW_REQUESTED) in TABLE


def asked_by_hand(reason: str) -> Event | None:
    """The request that a rollout which ends owes its reason to; None where none of a person's was taken up."""
    return _BY_HAND.get(reason)


def apply(
    state: RolloutState, event: Event, strategy: Strategy, now: datetime, reason: str = "", *, table: Table = TABLE
) -> Transition:
    """What `event` makes of `state`. Without a reason of its own the row's sentence is the reason.

    Another `table` is for those who ask what one other row would lead to.
    """
    rule = table.get((state.phase, event))
    if rule is None:
        said = f"A rollout that is {state.phase.value} does not know {event.value}; nothing changes."
        return Transition(state, (), said, known=False)
    while rule.otherwise is not None and not _holds(rule.guard, state, strategy):
        rule = rule.otherwise
    next_step = rule.share in (Share.NEXT_STEP, Share.NEXT_BATCH)
    step = min(state.step + 1, len(strategy.steps) - 1) if next_step else state.step
    weight = _weight(rule.share, state.weight, strategy, step)
    entered = replace(
        state,
        phase=rule.to,
        step=step,
        weight=weight,
        paused=_paused(state, rule),
        held=rule.turn is Turn.HOLD or (state.held and rule.to is Phase.PAUSED),
        weights_known=event is Event.WEIGHTS_STABLE,
        started_at=now if event is Event.STARTED else state.started_at,
        step_started_at=now if _begins_looking(state, rule) else state.step_started_at,
        ended_at=now if rule.to in ENDED else None,
        reason=_reason(state, rule, reason),
    )
    effects = tuple(Instruction(effect, weight if effect is Effect.SET_WEIGHTS else None) for effect in rule.effects)
    return Transition(entered, effects, rule.sentence)


def _last(state: RolloutState, strategy: Strategy) -> bool:
    return state.step >= len(strategy.steps) - 1


_GUARDS: Mapping[Guard, Callable[[RolloutState, Strategy], bool]] = MappingProxyType(
    {
        Guard.PAUSED: lambda state, _: state.paused,
        Guard.NO_STEPS: lambda state, strategy: state.first_release or not strategy.steps,
        Guard.LAST_STEP: _last,
        Guard.WEIGHTS_KNOWN: lambda state, _: state.weights_known,
        Guard.RECREATE: lambda state, strategy: strategy.recreate and not state.first_release,
        Guard.ROLLING: lambda state, strategy: strategy.rolling is not None and not state.first_release,
        Guard.APPROVAL: lambda state, strategy: step_of(strategy, state.step).approval,
        Guard.HELD: lambda state, _: state.held,
        Guard.HELD_LAST: lambda state, strategy: state.held and _last(state, strategy),
    }
)


def _holds(guard: Guard | None, state: RolloutState, strategy: Strategy) -> bool:
    return guard is None or _GUARDS[guard](state, strategy)


def _weight(share: Share | None, present: int, strategy: Strategy, step: int) -> int:
    if share in (None, Share.NEXT_BATCH):
        return present
    return {Share.ALL: 100, Share.NONE: 0}.get(share, step_of(strategy, step).weight)


def _paused(state: RolloutState, rule: Rule) -> bool:
    if rule.to in ENDING:
        return False
    return state.paused if rule.turn is None else rule.turn is not Turn.RESUME


def _begins_looking(state: RolloutState, rule: Rule) -> bool:
    """A step's time begins when its traffic has moved, not when it was asked to."""
    return rule.to in (Phase.ANALYSING, Phase.PAUSED) and state.phase not in (Phase.ANALYSING, Phase.PAUSED)


def _reason(state: RolloutState, rule: Rule, given: str) -> str:
    """Once a rollout ends one way, the reason stays the one that sent it there."""
    if state.phase in ENDING and (state.phase is Phase.ROLLING_BACK or rule.to is not Phase.ROLLING_BACK):
        return state.reason
    return given or rule.sentence


def _endings(rule: Rule | None) -> Iterator[str]:
    """What a row and its alternatives say where they lead to an end."""
    while rule is not None:
        if rule.to in ENDING:
            yield rule.sentence
        rule = rule.otherwise


_REQUESTS = (Event.ABORT_REQUESTED, Event.PROMOTE_NOW_REQUESTED, Event.RESUME_REQUESTED)
_BY_HAND: Mapping[str, Event] = MappingProxyType(
    {said: event for (_, event), rule in TABLE.items() if event in _REQUESTS for said in _endings(rule)}
)
