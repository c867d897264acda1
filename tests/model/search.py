"""Breadth-first search of a model: every state that any moves lead to, each with the move that first led there."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from chalicelib.deployments.states import Request
from chalicelib.rollouts.rules import step_of
from chalicelib.rollouts.transitions import ENDED, Event, Phase, RolloutState
from tests.model.system import Model, System

TURNED = (Phase.ROLLING_BACK, Phase.ROLLED_BACK)


@dataclass
class Search:
    """All states of a model, once `run` has ended; how each was reached is kept, so that a fault is told as a story."""

    model: Model
    before: dict[System, tuple[System, str] | None] = field(default_factory=dict)
    far: dict[System, int] = field(default_factory=dict)

    def run(self) -> int:
        """Visits everything and checks it; the number of states. Raises AssertionError with the moves that led to a fault."""
        start = self.model.start
        self.before = {start: None}
        queue = deque([start])
        while queue:
            system = queue.popleft()
            self._hold(system, self._wrong(system) or self._without_end(system))
            for name, after in self.model.moves(system):
                fault = self._broken(system, after)
                if after not in self.before:
                    self.before[after] = (system, name)
                    queue.append(after)
                self._hold(after, fault)
        return len(self.before)

    def story(self, system: System) -> list[str]:
        """The moves that lead to a state, first to last."""
        moves = []
        while (found := self.before[system]) is not None:
            system, name = found
            moves.append(name)
        return moves[::-1]

    def comes_to_its_end(self, system: System) -> None:
        """Raises AssertionError when a state, however it was reached, does not come to its end with all faults stopped."""
        fault = self._without_end(system)
        assert fault is None, f"{fault}\n{system}"

    def _wrong(self, system: System) -> str | None:
        return wrong(self.model, system)

    def _broken(self, before: System, after: System) -> str | None:
        return broken(self.model, before, after)

    def _without_end(self, system: System) -> str | None:
        """With all faults stopped, and people who let what waits go on, everything comes to its end in so many moves."""
        way: list[System] = []
        while system not in self.far:
            if self.model.quiet(system):
                self.far[system] = 0
                break
            way.append(system)
            better = healed(self.model, system)
            if better is None or len(way) > MOST_MOVES:
                return f"{len(way) - 1} moves did not bring it to its end"
            system = better
        for count, each in enumerate(reversed(way), start=self.far[system] + 1):
            self.far[each] = count
        return None if not way or self.far[way[0]] <= MOST_MOVES else f"it takes {self.far[way[0]]} moves to its end"

    def _hold(self, system: System, fault: str | None) -> None:
        assert fault is None, f"{fault}\nafter: " + "; ".join(self.story(system)) + f"\n{system}"


def wrong(model: Model, system: System) -> str | None:
    """What must never be so, of one state."""
    return next(filter(None, (check(model, system) for check in CHECKS)), None)


def broken(model: Model, before: System, after: System) -> str | None:
    """What must never be so, of one move."""
    return next(filter(None, (check(model, before, after) for check in EDGES)), None)


def two_rollouts(model: Model, system: System) -> str | None:
    active = [who for who, each in system.deployments if each.rollout is not None and each.rollout.phase not in ENDED]
    return f"two rollouts are active: {active}" if len(active) > 1 else None


def weights_that_do_not_sum(model: Model, system: System) -> str | None:
    total = sum(weight for _, weight in system.route)
    return f"weights sum to {total}" if system.route and total != 100 else None


def traffic_to_nothing(model: Model, system: System) -> str | None:
    """A release with traffic has its instances, but for what is recreated, whose users wait by choice."""
    missing = [number for number, weight in system.route if weight > 0 and number not in system.running]
    return f"traffic goes to releases that do not run: {missing}" if missing and not model.strategy.recreate else None


def promoted_unproven(model: Model, system: System) -> str | None:
    """Each step kept to its gates, or a person promoted it; a first release has nothing to be compared with."""
    steps = len(model.strategy.steps)
    for who, each in system.deployments:
        promoted = each.rollout is not None and each.rollout.phase is Phase.PROMOTED
        if promoted and each.stable is not None and each.kept < steps and not each.by_hand:
            return f"{who} was promoted after {each.kept} of {steps} steps"
    return None


def waits_for_nothing(model: Model, system: System) -> str | None:
    """Who waits has been asked to, or has a step that needs approval; and a person can let it on."""
    for who, each in system.deployments:
        state = each.rollout
        if state is None or state.phase is not Phase.PAUSED:
            continue
        if not state.paused or (state.held and not step_of(model.strategy, state.step).approval):
            return f"{who} waits, and nobody asked for it"
    return None


def left_behind(model: Model, system: System) -> str | None:
    """When nobody deploys, the live release has all the traffic, and nothing else runs."""
    live = system.lane.live
    route, running = (((live, 100),), {live}) if live is not None else ((), set())
    if model.quiet(system) and (system.route != route or system.running != running):
        return f"release {live} is live, but {sorted(system.running)} run and the route is {system.route}"
    return None


def rises_after_an_abort(model: Model, before: System, after: System) -> str | None:
    """A canary whose rollout turned back gets no more traffic than it has."""
    for _, record in before.deployments:
        if record.rollout is not None and record.rollout.phase in TURNED:
            was, now = dict(before.route).get(record.number, 0), dict(after.route).get(record.number, 0)
            if now > was:
                return f"release {record.number} turned back, and its weight rose from {was} to {now}"
    return None


def goes_on_unasked(model: Model, before: System, after: System) -> str | None:
    """What a person paused, or has to approve, gets more traffic only when a person lets it on."""
    for who, was, now in _moved(before, after):
        waits = was.paused or (was.phase is Phase.ANALYSING and step_of(model.strategy, was.step).approval)
        asked = before.record(who).requested in (Request.RESUME, Request.PROMOTE)
        if waits and not asked and now.weight > was.weight:
            return f"{who} had to wait for a person, and its weight rose from {was.weight} to {now.weight}"
    return None


def deaf_to_an_abort(model: Model, before: System, after: System) -> str | None:
    """Once an abort stands, the next that is saved of the rollout is that it turns back."""
    for who, was, now in _moved(before, after):
        stands = before.record(who).requested is Request.ABORT and was.phase not in (*TURNED, Phase.PROMOTED)
        if stands and was != now and now.phase not in TURNED:
            return f"{who} was to be aborted, and went on from {was.phase} to {now.phase}"
    return None


def _moved(before: System, after: System) -> Iterator[tuple[str, RolloutState, RolloutState]]:
    for (who, was), (_, now) in zip(before.deployments, after.deployments, strict=False):
        if was is not now and was.rollout is not None and now.rollout is not None:
            yield who, was.rollout, now.rollout


EDGES = (rises_after_an_abort, goes_on_unasked, deaf_to_an_abort)
CHECKS = (two_rollouts, weights_that_do_not_sum, traffic_to_nothing, promoted_unproven, waits_for_nothing, left_behind)
MOST_MOVES = 80


def healed(model: Model, system: System) -> System | None:
    """The move of a good day: the worker goes on, what is judged is sound, who is asked agrees. None where there is none."""
    record = system.record(system.lane.active) if system.work is None and system.lane.active is not None else None
    paused = record is not None and record.rollout is not None and record.rollout.phase is Phase.PAUSED
    if record is not None and paused and record.requested in (None, Request.PAUSE):
        return next((after for name, after in model.moves(system) if name == f"{system.lane.active} is asked to resume"), None)
    return next((after for name, after in model.goes_on(system) if not name.endswith(BAD)), None)


BAD = tuple(str(event) for event in (Event.NOT_READY, Event.ROLL_BACK, Event.HOLD, Event.INCONCLUSIVE))
