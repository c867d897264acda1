"""Breadth-first search of a model: every state that any moves lead to, each with the move that first led there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from chalicelib.deployments.states import Request
from chalicelib.rollouts.transitions import ENDED, Event, Phase
from tests.model.system import Model, System

Edge = Callable[[System, System], str | None]
TURNED = (Phase.ROLLING_BACK, Phase.ROLLED_BACK)


@dataclass
class Search:
    """All states of a model, once `run` has ended; how each was reached is kept, so that a fault is told as a story."""

    model: Model
    before: dict[System, tuple[System, str] | None] = field(default_factory=dict)
    far: dict[System, int] = field(default_factory=dict)

    def run(self) -> int:
        """Visits everything and checks it; the number of states. Raises AssertionError with the moves that led to a fault."""
        start = System()
        self.before = {start: None}
        queue = deque([start])
        while queue:
            system = queue.popleft()
            self._hold(system, wrong(self.model, system) or self._without_end(system))
            for name, after in self.model.moves(system):
                fault = rises_after_an_abort(system, after)
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

    def _without_end(self, system: System) -> str | None:
        """With all faults stopped, and people who let what waits go on, everything comes to its end in so many moves."""
        way: list[System] = []
        while system not in self.far:
            if self.model.quiet(system):
                self.far[system] = 0
                break
            if len(way) > MOST_MOVES:
                return f"{MOST_MOVES} moves did not bring it to its end"
            way.append(system)
            system = healed(self.model, system)
        for count, each in enumerate(reversed(way), start=self.far[system] + 1):
            self.far[each] = count
        return None if not way or self.far[way[0]] <= MOST_MOVES else f"it takes {self.far[way[0]]} moves to its end"

    def _hold(self, system: System, fault: str | None) -> None:
        assert fault is None, f"{fault}\nafter: " + "; ".join(self.story(system)) + f"\n{system}"


def wrong(model: Model, system: System) -> str | None:
    """What must never be so, of one state."""
    return next(filter(None, (check(model, system) for check in CHECKS)), None)


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
    steps = len(model.strategy.steps)
    for who, each in system.deployments:
        if each.rollout is not None and each.rollout.phase is Phase.PROMOTED and each.kept < steps and not each.by_hand:
            return f"{who} was promoted after {each.kept} of {steps} steps"
    return None


def left_behind(model: Model, system: System) -> str | None:
    """When nobody deploys, the live release has all the traffic, and nothing else runs."""
    live = system.lane.live
    if model.quiet(system) and (system.route != ((live, 100),) or system.running != {live}):
        return f"release {live} is live, but {sorted(system.running)} run and the route is {system.route}"
    return None


def rises_after_an_abort(before: System, after: System) -> str | None:
    """A canary whose rollout turned back gets no more traffic than it has."""
    for _, record in before.deployments:
        if record.rollout is not None and record.rollout.phase in TURNED:
            was, now = dict(before.route).get(record.number, 0), dict(after.route).get(record.number, 0)
            if now > was:
                return f"release {record.number} turned back, and its weight rose from {was} to {now}"
    return None


CHECKS = (two_rollouts, weights_that_do_not_sum, traffic_to_nothing, promoted_unproven, left_behind)
MOST_MOVES = 80


def healed(model: Model, system: System) -> System:
    """The move of a good day: the worker goes on, what is judged is sound, whoever is asked agrees."""
    if system.work is not None:
        return next(after for name, after in model.moves(system) if name == "the worker goes on")
    assert system.lane.active is not None
    record = system.record(system.lane.active)
    paused = record.rollout is not None and record.rollout.phase is Phase.PAUSED
    if paused and record.requested in (None, Request.PAUSE):
        return next(after for name, after in model.moves(system) if name == f"{system.lane.active} is asked to resume")
    good = [after for name, after in _worker(model, system) if not name.endswith(BAD)]
    return good[0]


BAD = tuple(str(event) for event in (Event.NOT_READY, Event.ROLL_BACK, Event.HOLD, Event.INCONCLUSIVE))


def _worker(model: Model, system: System) -> Iterator[tuple[str, System]]:
    assert system.lane.active is not None
    yield from model._tasks(system, system.lane.active)
