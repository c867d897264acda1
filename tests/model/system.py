"""The whole small system as states and moves: two deployments of one service, a worker that may die, people, and a cluster.

The rules are the real ones (`rollouts.transitions`, `projects.rules`, `deployments.rules`). What is restated here is the order
of effects in the tasks of `deployments.driver`, of which each is one move, so that a worker may die between any two, and so
that what it read may be out of date by the time it acts or saves. The kill points test holds the driver itself to that order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from chalicelib.deployments.rules import REQUEST_EVENTS, merged, refusal
from chalicelib.deployments.states import Request, State
from chalicelib.projects.rules import Lane, enter, go_live, leave, turn_back
from chalicelib.rollouts.rules import Strategy
from chalicelib.rollouts.transitions import ENDED, Event, Phase, RolloutState, Transition, apply

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
START = Lane(live=1, last=1)
VERDICTS = (Event.ADVANCE, Event.HOLD, Event.PROMOTE, Event.ROLL_BACK, Event.INCONCLUSIVE)
Apply = Callable[[RolloutState, Event, Strategy, datetime, str], Transition]
Effect = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment's record. `kept` counts the steps whose gates were kept, `by_hand`: a person promoted it."""

    number: int
    stable: int | None = None
    rollout: RolloutState | None = None
    requested: Request | None = None
    kept: int = 0
    by_hand: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """A task under way: what it has read, what it still has to do, and whether the record has changed since it was read."""

    who: str
    record: Deployment
    todo: tuple[Effect, ...]
    outdated: bool = False


@dataclass(frozen=True, slots=True)
class System:
    """Everything. `route` has each release's percent, `running` the releases with all their instances; or, of a rolling
    release, with those that `sizes` has of each."""

    lane: Lane = START
    deployments: tuple[tuple[str, Deployment], ...] = ()
    route: tuple[tuple[int, int], ...] = ((1, 100),)
    running: frozenset[int] = frozenset({1})
    work: Work | None = None
    sizes: tuple[tuple[int, int], ...] = ()

    def size(self, number: int | None) -> int:
        return dict(self.sizes).get(number or 0, 0)

    def record(self, who: str) -> Deployment:
        return dict(self.deployments)[who]


@dataclass(frozen=True, slots=True)
class Model:
    """The moves of a system whose deployments have this strategy; `apply` is the rollout's transition function.

    At `most` so many are asked for; of a service that has nothing live when one is its `first`.
    """

    strategy: Strategy
    apply: Apply = apply
    most: int = 2
    first: bool = False

    @property
    def start(self) -> System:
        """One release is live and has all the traffic; or, for a service's first release, there is nothing."""
        return System(Lane(), route=(), running=frozenset()) if self.first else System()

    def moves(self, system: System) -> Iterator[tuple[str, System]]:
        """Everything that can happen next, with its name."""
        yield from self._people(system)
        if system.work is not None:
            yield "the worker dies", replace(system, work=None)
        yield from self.goes_on(system)

    def goes_on(self, system: System) -> Iterator[tuple[str, System]]:
        """What the workers alone do next."""
        if system.work is not None:
            yield "the worker goes on", self._act(system, system.work)
        elif system.lane.active is not None:
            yield from self._tasks(system, system.lane.active)

    def quiet(self, system: System) -> bool:
        """Whether nobody is deploying."""
        return system.lane.active is None and system.work is None

    def _people(self, system: System) -> Iterator[tuple[str, System]]:
        if len(system.deployments) < self.most:
            who = "abcd"[len(system.deployments)]
            entered = enter(system.lane, who)
            made = (*system.deployments, (who, Deployment(entered.number)))
            yield f"{who} is asked for", replace(system, lane=entered.lane, deployments=made)
        for who, record in system.deployments:
            for wish in Request:
                if not record.ended and refusal(wish, State.ROLLING_OUT, record.rollout, record.requested) is None:
                    asked = merged(wish, record.requested)
                    if asked != record.requested:
                        yield f"{who} is asked to {asked}", _written(system, who, replace(record, requested=asked))

    def _tasks(self, system: System, who: str) -> Iterator[tuple[str, System]]:
        """A worker reads the record and begins what its phase needs; what it meets there is one of several things."""
        record = system.record(who)
        if record.rollout is None and record.requested is Request.ABORT:
            yield f"{who} ends before it began", self._left(system, who, record)
        elif record.rollout is None:
            opened = replace(record, stable=system.lane.live, rollout=RolloutState(first_release=system.lane.live is None))
            yield f"{who} begins", _begun(system, who, record, ("save", self._moved(opened, Event.STARTED)))
        elif record.rollout.phase in ENDED:
            yield f"{who} ends", self._left(system, who, record)
        elif (taken := self._taken(record)) is not None:
            yield f"{who} takes up a request", _begun(system, who, record, ("save", taken))
        else:
            yield from self._phase(system, who, record, record.rollout.phase)

    def _phase(self, system: System, who: str, record: Deployment, phase: Phase) -> Iterator[tuple[str, System]]:
        for name, todo in self._todo(record, phase):
            yield f"{who} {name}", _begun(system, who, record, *todo)

    def _todo(self, record: Deployment, phase: Phase) -> Iterator[tuple[str, tuple[Effect, ...]]]:
        number, stable = record.number, record.stable
        assert record.rollout is not None
        weight = record.rollout.weight
        match phase:
            case Phase.PREPARING:
                stops = [("stop", stable)] if self.strategy.recreate and stable is not None else []
                yield "is written", (*stops, ("run", number), ("save", self._moved(record, Event.APPLIED)))
            case Phase.AWAITING_READY:
                for event in (Event.READY, Event.NOT_READY):
                    yield f"is {event}", (("save", self._moved(record, event)),)
            case Phase.SHIFTING:
                split = ((number, weight),) if stable is None else ((stable, 100 - weight), (number, weight))
                yield "gets its share", (("route", split), ("save", self._moved(record, Event.SHIFTED)))
            case Phase.ANALYSING | Phase.PAUSED:
                for event in VERDICTS:
                    yield f"is judged: {event}", (("save", self._judged(record, event)),)
            case Phase.PROMOTING:
                idle = () if stable is None else ((stable, 0),)
                ends = (("live", number), ("save", self._moved(record, Event.WEIGHTS_STABLE)))
                yield "gets everything", (("route", (*idle, (number, 100))), *ends)
            case Phase.SETTLING:
                yield "settles", (("retire", number), ("save", self._moved(record, Event.SETTLED)))
            case Phase.ROLLING_BACK:
                settled = self._moved(self._moved(record, Event.WEIGHTS_STABLE), Event.SETTLED)
                back = (("run", stable), ("route", ((stable, 100),))) if stable is not None else ()
                gone = (("retire", stable),)
                yield "turns back", (*back, ("back", number, stable), *gone, ("save", settled))

    def _taken(self, record: Deployment) -> Deployment | None:
        """The record with its request taken up, as `progress.take_request` does; None where it is not known now."""
        if record.requested is None or record.rollout is None or record.rollout.phase is Phase.ROLLING_BACK:
            return None
        done = self.apply(record.rollout, REQUEST_EVENTS[record.requested], self.strategy, T0, "")
        if not done.known:
            return None
        by_hand = record.by_hand or record.requested is Request.PROMOTE
        return replace(record, rollout=_plain(done.state), requested=None, by_hand=by_hand)

    def _judged(self, record: Deployment, event: Event) -> Deployment:
        assert record.rollout is not None
        passed = event in (Event.ADVANCE, Event.PROMOTE) and record.rollout.phase is Phase.ANALYSING
        skips = event is Event.PROMOTE and record.rollout.step < len(self.strategy.steps) - 1
        steps = len(self.strategy.steps)
        kept = steps if passed and skips else min(record.kept + passed, steps)
        return replace(self._moved(record, event), kept=kept)

    def _moved(self, record: Deployment, event: Event) -> Deployment:
        assert record.rollout is not None
        return replace(record, rollout=_plain(self.apply(record.rollout, event, self.strategy, T0, "").state))

    def _left(self, system: System, who: str, record: Deployment) -> System:
        lane, _ = leave(system.lane, who)
        return replace(_written(system, who, replace(record, ended=True, requested=None)), lane=lane)

    def _act(self, system: System, work: Work) -> System:
        """The next of the worker's effects; the last is to save, which fails when the record has changed since it was read."""
        effect, rest = work.todo[0], work.todo[1:]
        system = replace(system, work=replace(work, todo=rest) if rest else None)
        match effect:
            case ("run", int(number)):
                # As `apply_release` does: where there is no route yet, the release's own comes with it.
                return replace(system, running=system.running | {number}, route=system.route or ((number, 100),))
            case ("stop", int(number)):
                return replace(system, running=system.running - {number})
            case ("route", tuple(split)):
                return replace(system, route=tuple(sorted(split)))
            case ("live", int(number)):
                return replace(system, lane=go_live(system.lane, work.who, number))
            case ("back", int(number), stable):
                assert stable is None or isinstance(stable, int)
                return replace(system, lane=turn_back(system.lane, number, stable))
            case ("retire", keep):
                return _retired(system, keep)
            case ("save", Deployment() as record) if not work.outdated:
                return _written(system, work.who, record)
        return system


def _retired(system: System, keep: object) -> System:
    """Every release goes that is neither kept nor sent any traffic; without one to keep, all goes, and the route with it."""
    if keep is None:
        return replace(system, running=frozenset(), route=())
    kept = {keep, *(number for number, weight in system.route if weight > 0)}
    route = tuple((number, weight) for number, weight in system.route if number in kept)
    return replace(system, running=frozenset(each for each in system.running if each in kept), route=route)


def _begun(system: System, who: str, record: Deployment, *todo: Effect) -> System:
    return replace(system, work=Work(who, record, todo))


def _written(system: System, who: str, record: Deployment) -> System:
    """With the record; a worker that read it before is out of date now."""
    work = system.work
    if work is not None and work.who == who and record != work.record:
        work = replace(work, outdated=True)
    return replace(
        system, deployments=tuple((name, record if name == who else each) for name, each in system.deployments), work=work
    )


def _plain(state: RolloutState) -> RolloutState:
    """Without what nothing depends on."""
    return replace(state, reason="", started_at=None, step_started_at=None, ended_at=None)
