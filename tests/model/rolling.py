"""A rolling release as states and moves: instances move in batches between two releases, by a worker that dies anywhere.

The rules are the real ones (`rollouts.batches`, `rollouts.transitions`); restated is the order of effects of
`deployments.rolling`, in which each change of a size is one move. Instances are ready as soon as they are there, or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.projects.rules import Lane
from chalicelib.rollouts.batches import Batch, Rolling, batches_of
from chalicelib.rollouts.rules import Strategy
from chalicelib.rollouts.strategy import in_batches
from chalicelib.rollouts.transitions import Event, Phase
from tests.model.search import Search
from tests.model.system import Deployment, Effect, Model, System, Work


@dataclass(frozen=True)
class RollingModel(Model):
    """A service of so many `pods`, whose releases take each other's place in batches."""

    pods: int = 4

    @property
    def start(self) -> System:
        """One release is live, at its full size."""
        return System(Lane(live=1, last=1), sizes=((1, self.pods),))

    @property
    def rolling(self) -> Rolling:
        found = self.strategy.rolling
        assert found is not None
        return found

    def _phase(self, system: System, who: str, record: Deployment, phase: Phase) -> Iterator[tuple[str, System]]:
        for name, todo in self._sized(system, record, phase):
            yield f"{who} {name}", replace(system, work=Work(who, record, todo))

    def _sized(self, system: System, record: Deployment, phase: Phase) -> Iterator[tuple[str, tuple[Effect, ...]]]:
        number, stable = record.number, record.stable
        assert record.rollout is not None
        match phase:
            case Phase.PREPARING:
                written = ("hold", stable), ("write", number, system.size(number))
                yield "is written", (*written, ("save", self._moved(record, Event.APPLIED)))
            case Phase.AWAITING_READY:
                batch = batches_of(self.rolling)[record.rollout.step]
                sizes = self.resized(batch, number, stable) if system.size(number) < batch.new else ()
                yield f"is {Event.READY}", (*sizes, ("save", self._moved(record, Event.READY)))
                yield f"is {Event.NOT_READY}", (*sizes, ("save", self._moved(record, Event.NOT_READY)))
            case Phase.PROMOTING if system.size(number) < self.rolling.wanted:
                yield "gets the next batch", self.grown(system.size(number), number, stable)
            case Phase.ROLLING_BACK:
                for name, todo in Model._todo(self, record, phase):
                    whole = ("hold", stable), ("grow", stable, self.rolling.stable), ("revive", stable, self.rolling.stable)
                    yield name, (*whole, *(each for each in todo if each[0] != "run"))
            case _:
                yield from Model._todo(self, record, phase)

    def resized(self, batch: Batch, number: int, stable: int | None) -> tuple[Effect, ...]:
        """First the old release down, which the weights of the batch before allow; then the new one up."""
        return ("shrink", stable, batch.old), ("grow", number, batch.new)

    def grown(self, size: int, number: int, stable: int | None) -> tuple[Effect, ...]:
        """What is promoted gets the traffic that its instances can take, then the next batch of them."""
        batches = batches_of(self.rolling)
        weight = max((batch.weight for batch in batches if batch.new <= size), default=0)
        following = next(batch for batch in batches if batch.new > size)
        assert stable is not None
        return ("route", ((stable, 100 - weight), (number, weight))), *self.resized(following, number, stable)

    def _act(self, system: System, work: Work) -> System:
        effect, rest = work.todo[0], work.todo[1:]
        done = replace(system, work=replace(work, todo=rest) if rest else None)
        match effect:
            case ("hold", _):
                return done  # what it is for, `tests.model.late_rolling` says
            case ("write", int(number), int(size)):
                return _given(replace(done, running=system.running | {number}), number, size)
            case ("grow", int(number), int(size)) if number in system.running:
                return _given(done, number, max(size, system.size(number)))
            case ("shrink", int(number), int(size)) if number in system.running:
                return _given(done, number, min(size, system.size(number)))
            case ("revive", int(number), int(size)) if number not in system.running:
                return _given(replace(done, running=system.running | {number}), number, size)
            case ("grow" | "shrink" | "revive", _, _):
                return done
        return without_gone(super()._act(system, work))


class RollingSearch(Search):
    """All states of a rolling release, each with the instances that its traffic needs, and never too many."""

    def _wrong(self, system: System) -> str | None:
        assert isinstance(self.model, RollingModel)
        return Search._wrong(self, system) or starved(self.model, system) or crowded(self.model, system)


def model_of(surge: int | str, unavailable: int | str, pods: int, *, wanted: int | None = None, most: int = 1) -> RollingModel:
    """A service of so many instances, whose next release has `wanted` of them, or as many."""
    strategy = in_batches(Strategy((), rolling=Rolling(surge, unavailable)), pods, wanted or pods)
    return RollingModel(strategy, most=most, pods=pods)


def starved(model: RollingModel, system: System) -> str | None:
    """A share of the traffic, in whole percents, has that share of the release's full size, less `maxUnavailable`."""
    for number, weight in system.route:
        least = model.rolling.least(model.pods if number == 1 else model.rolling.wanted)
        if 200 * system.size(number) < least * (2 * weight - 1):
            return f"release {number} has {weight} % of the traffic and {system.size(number)} instances"
    live = system.lane.live
    whole = model.pods if live == 1 else model.rolling.wanted
    if model.quiet(system) and system.size(live) != whole:
        return f"release {live} is left with {system.size(live)} of {whole} instances"
    return None


def crowded(model: RollingModel, system: System) -> str | None:
    """No more instances than `maxSurge` allows, but while a release turns back: then the old ones come first."""
    total = sum(size for _, size in system.sizes)
    back = any(each.rollout is not None and each.rollout.phase is Phase.ROLLING_BACK for _, each in system.deployments)
    return f"there are {total} instances, and {model.rolling.most} may be" if total > model.rolling.most and not back else None


def without_gone(system: System) -> System:
    """A release that is gone has no size."""
    return replace(system, sizes=tuple((each, size) for each, size in system.sizes if each in system.running))


def _given(system: System, number: int, size: int) -> System:
    return replace(system, sizes=tuple(sorted({**dict(system.sizes), number: size}.items())))
