"""The table, walked by hand, by breadth-first search over all it leads to, and at random."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from chalicelib.rollouts.batches import Rolling
from chalicelib.rollouts.rules import Decision, Step, Strategy
from chalicelib.rollouts.strategy import in_batches
from chalicelib.rollouts.transitions import (
    ENDED,
    TABLE,
    Effect,
    Event,
    Guard,
    Instruction,
    Phase,
    RolloutState,
    Transition,
    apply,
    event_of,
    next_task,
    ready_to_promote,
)
from tests.chalicelib.rollouts.builders import STRATEGY, T0

ONE_BY_ONE = (Event.STARTED, Event.APPLIED, Event.READY, Event.SHIFTED, Event.ADVANCE, Event.SHIFTED, Event.PROMOTE)
TO_THE_END = (*ONE_BY_ONE, Event.WEIGHTS_STABLE, Event.SETTLED)
AT_ONCE = replace(STRATEGY, steps=())
GATED = replace(STRATEGY, steps=(Step(20, 30, approval=True), Step(50, 30, approval=True)))
BLUE_GREEN = replace(STRATEGY, steps=(Step(0, 30, approval=True), Step(100, 30)))
RECREATED = replace(AT_ONCE, recreate=True)
ROLLING = in_batches(replace(STRATEGY, rolling=Rolling(1, 0)), 2, 2)
STRATEGIES = (STRATEGY, AT_ONCE, GATED, BLUE_GREEN, RECREATED, ROLLING)
BAD_NEWS = (Event.ABORT_REQUESTED, Event.FAILED)
NOT_YET_SHIFTED = tuple(ONE_BY_ONE[:count] for count in range(4))
VERDICTS = tuple(event_of(decision) for decision in Decision)
FRESH = {"canary": RolloutState(), "first release": RolloutState(first_release=True)}


def walk(*events: Event, state: RolloutState = FRESH["canary"], strategy: Strategy = STRATEGY) -> RolloutState:
    for event in events:
        state = apply(state, event, strategy, T0).state
    return state


def reachable(start: RolloutState, strategy: Strategy) -> set[RolloutState]:
    """All states that any events in any order lead to; reasons are left out, since nothing depends on them."""
    found, frontier = {start}, [start]
    while frontier:
        state = frontier.pop()
        for event in Event:
            to = replace(apply(state, event, strategy, T0).state, reason="")
            if to not in found:
                found.add(to)
                frontier.append(to)
    return found


def everywhere() -> Iterator[tuple[RolloutState, Strategy]]:
    for strategy in STRATEGIES:
        for start in FRESH.values():
            for state in reachable(start, strategy):
                yield state, strategy


def moves() -> Iterator[tuple[RolloutState, Event, Transition]]:
    """Every known event in every state that can be reached."""
    for state, strategy in everywhere():
        for event in Event:
            done = apply(state, event, strategy, T0)
            if done.known:
                yield state, event, done


def effects(done: Transition) -> set[Effect]:
    return {instruction.effect for instruction in done.effects}


def test_a_healthy_rollout_walks_its_steps_to_the_end() -> None:
    seen = [walk(*TO_THE_END[:count]) for count in range(len(TO_THE_END) + 1)]

    assert [state.weight for state in seen] == [0, 0, 0, 20, 20, 50, 50, 100, 100, 100]
    assert seen[-1].phase is Phase.PROMOTED
    assert seen[-1].ended_at == T0


def test_a_first_release_takes_all_traffic_when_it_is_ready() -> None:
    state = walk(Event.STARTED, Event.APPLIED, Event.READY, state=FRESH["first release"])

    assert (state.phase, state.weight) == (Phase.PROMOTING, 100)


def test_a_strategy_without_steps_takes_all_traffic_when_ready() -> None:
    assert walk(Event.STARTED, Event.APPLIED, Event.READY, strategy=AT_ONCE).weight == 100


def test_an_advance_after_the_last_step_promotes() -> None:
    assert walk(*ONE_BY_ONE[:-1], Event.ADVANCE).phase is Phase.PROMOTING


def test_the_effects_of_a_verdict_against_the_canary_take_its_traffic_away() -> None:
    turned = apply(walk(*ONE_BY_ONE[:4]), Event.ROLL_BACK, STRATEGY, T0, "On the canary 9 of 20 requests failed.")

    assert turned.effects == (Instruction(Effect.SET_WEIGHTS, 0), Instruction(Effect.RECORD))
    assert turned.state.reason == "On the canary 9 of 20 requests failed."


def test_why_a_rollout_turned_back_is_still_said_at_its_end() -> None:
    turned = apply(walk(*ONE_BY_ONE[:4]), Event.ROLL_BACK, STRATEGY, T0, "It broke.").state

    assert walk(Event.FAILED, Event.WEIGHTS_STABLE, Event.SETTLED, state=turned).reason == "It broke."


def test_turning_back_ends_only_when_the_weights_are_known() -> None:
    turned = walk(*ONE_BY_ONE[:4], Event.ABORT_REQUESTED)

    assert walk(Event.SETTLED, state=turned).phase is Phase.ROLLING_BACK
    assert walk(Event.WEIGHTS_STABLE, Event.FAILED, Event.SETTLED, state=turned).phase is Phase.ROLLING_BACK
    assert walk(Event.WEIGHTS_STABLE, Event.SETTLED, state=turned).phase is Phase.ROLLED_BACK


def test_a_rollout_that_turns_back_while_settling_restores_the_stable_version_first() -> None:
    done = apply(walk(*TO_THE_END[:-1]), Event.FAILED, STRATEGY, T0)

    assert [each.effect for each in done.effects] == [Effect.RESTORE_STABLE, Effect.SET_WEIGHTS, Effect.RECORD]


def test_a_paused_rollout_is_watched_and_neither_advances_nor_forgets() -> None:
    paused = walk(*ONE_BY_ONE[:4], Event.PAUSE_REQUESTED)
    looked = apply(paused, Event.ADVANCE, STRATEGY, T0)

    assert (looked.state.phase, looked.state.weight) == (Phase.PAUSED, 20)
    assert Instruction(Effect.SAMPLE) in looked.effects
    assert walk(Event.ROLL_BACK, state=paused).phase is Phase.ROLLING_BACK
    assert walk(Event.RESUME_REQUESTED, Event.SHIFTED, state=paused) == replace(
        walk(*ONE_BY_ONE[:4]), reason="The step's traffic moved; the canary is watched."
    )


def test_a_pause_asked_before_the_release_is_ready_keeps_it_without_traffic() -> None:
    waiting = walk(Event.STARTED, Event.PAUSE_REQUESTED, Event.APPLIED, Event.READY)

    assert (waiting.phase, waiting.weight) == (Phase.PAUSED, 0)
    assert walk(Event.RESUME_REQUESTED, state=waiting).weight == 20


@pytest.mark.parametrize("before", NOT_YET_SHIFTED, ids=lambda events: walk(*events).phase.value)
def test_a_pause_asked_early_holds_as_soon_as_it_can_and_can_be_taken_back(before: tuple[Event, ...]) -> None:
    news = (*ONE_BY_ONE, Event.WEIGHTS_STABLE, Event.SETTLED)
    asked = walk(*before, Event.PAUSE_REQUESTED)

    assert walk(*news, state=asked).phase is Phase.PAUSED
    assert walk(Event.RESUME_REQUESTED, *news, state=asked).phase is Phase.PROMOTED


def test_a_paused_first_release_takes_all_traffic_when_it_is_resumed() -> None:
    paused = walk(Event.PAUSE_REQUESTED, Event.STARTED, Event.APPLIED, Event.READY, state=FRESH["first release"])

    assert (paused.phase, paused.weight) == (Phase.PAUSED, 0)
    assert (walk(Event.RESUME_REQUESTED, state=paused).weight) == 100


def test_promoting_by_hand_skips_steps_but_not_readiness() -> None:
    assert walk(*ONE_BY_ONE[:4], Event.PROMOTE_NOW_REQUESTED).phase is Phase.PROMOTING
    assert not apply(walk(*ONE_BY_ONE[:2]), Event.PROMOTE_NOW_REQUESTED, STRATEGY, T0).known
    assert {phase for phase in Phase if ready_to_promote(phase)} == {Phase.SHIFTING, Phase.ANALYSING, Phase.PAUSED}


def test_an_event_that_comes_again_changes_nothing_and_says_so() -> None:
    ready = walk(*ONE_BY_ONE[:3])
    again = apply(ready, Event.READY, STRATEGY, T0)

    assert again == (ready, (), "A rollout that is shifting does not know ready; nothing changes.", False)


def test_every_phase_has_its_task_and_every_decision_its_event() -> None:
    assert {next_task(phase) for phase in Phase} == {
        "Prepare", "AwaitReady", "Shift", "Analyse", "Promote", "Settle", "RollBack", "Done",
    }  # fmt: skip
    assert {event_of(decision).value for decision in Decision} == {
        "promote", "advance", "hold", "inconclusive", "roll_back",
    }  # fmt: skip


def test_a_state_comes_back_from_json_unchanged() -> None:
    for state, _ in everywhere():
        assert RolloutState.from_dict(json.loads(json.dumps(state.to_dict()))) == state


def test_every_row_is_reached_and_has_a_sentence() -> None:
    reached = {state.phase for state, _ in everywhere()}

    assert reached == set(Phase)
    assert all(row.sentence.endswith(".") for row in TABLE.values())
    assert {row.guard for row in TABLE.values() if row.guard} <= set(Guard)


def test_a_step_that_needs_approval_waits_when_it_is_over_and_goes_on_to_the_next() -> None:
    over = walk(*ONE_BY_ONE[:5], strategy=GATED)
    looked = walk(Event.ADVANCE, Event.PROMOTE, Event.HOLD, state=over, strategy=GATED)

    assert (over.phase, over.weight, over.held) == (Phase.PAUSED, 20, True)
    assert (looked.phase, looked.weight, looked.held) == (Phase.PAUSED, 20, True)
    assert walk(Event.RESUME_REQUESTED, state=over, strategy=GATED).weight == 50
    assert walk(Event.ROLL_BACK, state=over, strategy=GATED).phase is Phase.ROLLING_BACK


def test_the_last_steps_approval_gives_the_release_all_the_traffic() -> None:
    first = walk(*ONE_BY_ONE[:5], Event.RESUME_REQUESTED, Event.SHIFTED, strategy=GATED)
    over = walk(Event.PROMOTE, state=first, strategy=GATED)

    assert (over.phase, over.held) == (Phase.PAUSED, True)
    assert (walk(Event.RESUME_REQUESTED, state=over, strategy=GATED).weight) == 100


def test_a_person_who_pauses_approves_nothing_by_resuming() -> None:
    paused = walk(*ONE_BY_ONE[:4], Event.PAUSE_REQUESTED, strategy=GATED)

    assert walk(Event.RESUME_REQUESTED, state=paused, strategy=GATED).weight == 20


def test_a_preview_has_no_traffic_and_the_step_after_it_all() -> None:
    preview = walk(*ONE_BY_ONE[:4], strategy=BLUE_GREEN)
    switched = walk(Event.ADVANCE, Event.RESUME_REQUESTED, Event.SHIFTED, state=preview, strategy=BLUE_GREEN)

    assert (preview.phase, preview.weight) == (Phase.ANALYSING, 0)
    assert (switched.phase, switched.weight) == (Phase.ANALYSING, 100)
    assert walk(Event.ROLL_BACK, state=switched, strategy=BLUE_GREEN).weight == 0
    assert walk(Event.PROMOTE, state=switched, strategy=BLUE_GREEN).phase is Phase.PROMOTING


def test_the_next_batch_has_its_traffic_only_when_its_instances_are_ready() -> None:
    first = walk(*ONE_BY_ONE[:4], strategy=ROLLING)
    kept = apply(first, Event.ADVANCE, ROLLING, T0)
    ready = walk(Event.READY, state=kept.state, strategy=ROLLING)

    assert (first.phase, first.step, first.weight) == (Phase.ANALYSING, 0, 50)
    assert (kept.state.phase, kept.state.step, kept.state.weight) == (Phase.AWAITING_READY, 1, 50)
    assert Effect.RESIZE in effects(kept)
    assert (ready.phase, ready.weight) == (Phase.SHIFTING, 100)
    assert walk(Event.SHIFTED, Event.PROMOTE, state=ready, strategy=ROLLING).phase is Phase.PROMOTING
    assert walk(Event.NOT_READY, state=kept.state, strategy=ROLLING).phase is Phase.ROLLING_BACK


def test_a_pause_asked_for_while_a_batch_starts_keeps_the_weights_of_the_one_before() -> None:
    paused = walk(*ONE_BY_ONE[:4], Event.ADVANCE, Event.PAUSE_REQUESTED, Event.READY, strategy=ROLLING)

    assert (paused.phase, paused.weight) == (Phase.PAUSED, 50)
    assert walk(Event.RESUME_REQUESTED, state=paused, strategy=ROLLING).weight == 100


def test_what_is_live_is_stopped_before_a_release_that_is_recreated_and_only_then() -> None:
    started = {
        name: effects(apply(FRESH[name], Event.STARTED, strategy, T0))
        for name, strategy in (("canary", RECREATED), ("first release", RECREATED))
    }

    assert Effect.STOP_STABLE in started["canary"]
    assert Effect.STOP_STABLE not in started["first release"]
    assert Effect.STOP_STABLE not in effects(apply(FRESH["canary"], Event.STARTED, STRATEGY, T0))


# --- the model check: over every state that any events lead to


def test_the_model_is_small_enough_to_be_searched_whole() -> None:
    assert 40 < sum(1 for _ in everywhere()) < 400


def test_ended_phases_and_they_alone_know_no_event() -> None:
    deaf = {state.phase for state, strategy in everywhere() if not any(apply(state, e, strategy, T0).known for e in Event)}

    assert deaf == set(ENDED)


@pytest.mark.parametrize("event", BAD_NEWS)
def test_any_fault_anywhere_turns_back_and_ends_on_the_stable_version(event: Event) -> None:
    for state, strategy in everywhere():
        if state.phase in ENDED:
            continue
        turned = walk(event, state=state, strategy=strategy)
        ended = walk(Event.WEIGHTS_STABLE, Event.SETTLED, state=turned, strategy=strategy)
        assert (turned.phase, turned.weight) == (Phase.ROLLING_BACK, 0)
        assert (ended.phase, ended.weight) == (Phase.ROLLED_BACK, 0)


def test_a_release_that_is_no_longer_ready_turns_back_wherever_it_had_got_to() -> None:
    for state, strategy in everywhere():
        if state.phase not in ENDED | {Phase.ROLLING_BACK}:
            assert apply(state, Event.NOT_READY, strategy, T0).state.phase is Phase.ROLLING_BACK


def test_weights_are_set_whenever_they_change_and_whenever_a_phase_is_about_them() -> None:
    for state, _, done in moves():
        set_to = [instruction.weight for instruction in done.effects if instruction.effect is Effect.SET_WEIGHTS]
        entered = (
            done.state.phase in (Phase.SHIFTING, Phase.PROMOTING, Phase.ROLLING_BACK) and state.phase is not done.state.phase
        )
        assert set_to == ([done.state.weight] if entered or done.state.weight != state.weight or set_to else [])


def test_whatever_happens_is_recorded_last() -> None:
    assert {done.effects[-1].effect for _, _, done in moves()} == {Effect.RECORD}


def test_a_rollout_under_watch_takes_every_verdict_and_looks_again() -> None:
    watched = (Phase.ANALYSING, Phase.PAUSED)

    assert all((phase, verdict) in TABLE for phase in watched for verdict in VERDICTS)
    assert all(Effect.SAMPLE in effects(done) for _, _, done in moves() if done.state.phase in watched)


def test_each_lasting_effect_has_its_one_moment() -> None:
    where = {(effect, state.phase, event) for state, event, done in moves() for effect in effects(done)}

    assert {row[1:] for row in where if row[0] is Effect.APPLY_RELEASE} == {(Phase.PENDING, Event.STARTED)}
    assert {row[1:] for row in where if row[0] is Effect.RETIRE_OLD} == {(Phase.PROMOTING, Event.WEIGHTS_STABLE)}
    assert {row[1:] for row in where if row[0] is Effect.RETIRE_CANARY} == {(Phase.ROLLING_BACK, Event.WEIGHTS_STABLE)}
    assert {row[1:] for row in where if row[0] is Effect.RESTORE_STABLE} == {
        *((Phase.SETTLING, event) for event in (*BAD_NEWS, Event.NOT_READY)),
        (Phase.ROLLING_BACK, Event.FAILED),
    }


def test_a_rollout_that_turns_back_asks_for_its_weights_again_after_bad_news() -> None:
    turned = walk(Event.STARTED, Event.ABORT_REQUESTED)

    assert all(Effect.SET_WEIGHTS in effects(apply(turned, event, STRATEGY, T0)) for event in BAD_NEWS)


def test_nothing_leads_forward_once_a_rollout_turned_back() -> None:
    for state, strategy in everywhere():
        if state.phase is Phase.ROLLING_BACK:
            after = reachable(state, strategy)
            assert {each.phase for each in after} <= {Phase.ROLLING_BACK, Phase.ROLLED_BACK}
            assert {each.weight for each in after} == {0}


def test_a_release_is_promoted_only_by_way_of_promoting_and_known_weights() -> None:
    edges = {
        (state.phase, apply(state, event, strategy, T0).state.phase) for state, strategy in everywhere() for event in Event
    }

    assert {before for before, after in edges if after is Phase.PROMOTED} == {Phase.SETTLING, Phase.PROMOTED}
    assert {before for before, after in edges if after is Phase.SETTLING} == {Phase.PROMOTING, Phase.SETTLING}


def test_no_traffic_goes_to_a_release_before_it_is_ready() -> None:
    """In batches, the instances that are ready keep theirs while the next ones start."""
    before_ready = {Phase.PENDING, Phase.PREPARING, Phase.AWAITING_READY}

    for state, strategy in everywhere():
        for event in Event:
            done = apply(state, event, strategy, T0)
            if state.phase in before_ready and event is not Event.READY:
                assert not any(instruction.weight for instruction in done.effects)
            if state.phase in before_ready:
                assert state.weight == 0 or (strategy.rolling is not None and state.step > 0)


def test_weights_on_the_way_forward_never_fall() -> None:
    for state, strategy in everywhere():
        for event in Event:
            after = apply(state, event, strategy, T0).state
            assert after.weight >= state.weight or after.phase is Phase.ROLLING_BACK


def test_good_news_brings_every_rollout_to_its_end_in_bounded_time() -> None:
    good = (Event.STARTED, Event.APPLIED, Event.READY, Event.RESUME_REQUESTED, Event.SHIFTED, Event.ADVANCE)
    rounds = len(STRATEGY.steps) + 2

    for state, strategy in everywhere():
        news = (*good, Event.WEIGHTS_STABLE, Event.SETTLED) * rounds
        assert walk(*news, state=state, strategy=strategy).phase in ENDED


class AnyOrder(RuleBasedStateMachine):
    """Any events in any order, each perhaps twice: the promises hold at every moment."""

    def __init__(self) -> None:
        super().__init__()
        self.state = RolloutState()
        self.ready = self.turned = False

    @rule(event=st.sampled_from(Event), again=st.booleans())
    def happens(self, event: Event, again: bool) -> None:
        before = self.state
        done = apply(before, event, STRATEGY, T0)
        self.ready |= event is Event.READY and done.known
        assert self.ready or not any(instruction.weight for instruction in done.effects)
        self.state = apply(done.state, event, STRATEGY, T0).state if again and not done.known else done.state
        assert done.known or self.state == before
        self.turned |= self.state.phase is Phase.ROLLING_BACK

    @invariant()
    def never_forward_again(self) -> None:
        assert not self.turned or (self.state.weight == 0 and self.state.phase in (Phase.ROLLING_BACK, Phase.ROLLED_BACK))


TestAnyOrder = AnyOrder.TestCase
