"""A rolling release with a worker that is late, and with a reconciler that is: both write sizes whenever they like.

What is restated is the fence of `runtime.sizes`: a worker reads a release's Deployment before it reads what it is to do, and
its write of a size is refused once anybody has written that since. Who takes the place of another writes it at once (`hold`),
also where the size stays the same. That a late worker makes a release anew that is gone is left out, as in `tests.model.late`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.projects.rules import Lane
from tests.model.late import Late, LateModel, LateSearch
from tests.model.rolling import RollingModel, RollingSearch, without_gone
from tests.model.system import Deployment, Effect, System, Work

RECONCILER = "the reconciler"
_SIZES = frozenset({"hold", "grow", "shrink", "write", "resize"})


@dataclass(frozen=True)
class LateRollingModel(LateModel, RollingModel):
    """A model in which a task of a rolling release may be given up while it runs, or with a `reconciler` one of its runs.

    `sizes_fenced` and `held` as the system is; that the route and the lane are fenced is `tests.model.late`'s.
    """

    sizes_fenced: bool = True
    held: bool = True
    reconciler: bool = False

    @property
    def start(self) -> Late:
        """One release is live, at its full size, and nobody is late."""
        return Late(Lane(live=1, last=1), sizes=((1, self.pods),))

    def needs(self, effect: Effect) -> str | None:
        if effect[0] not in _SIZES:
            return super().needs(effect)
        return f"size {effect[1]}" if self.sizes_fenced else None

    def writes(self, before: System, effect: Effect, after: System) -> frozenset[str]:
        written = frozenset(
            f"size {number}" for number in before.running | after.running if before.size(number) != after.size(number)
        )
        held = frozenset({f"size {effect[1]}"}) if effect[0] == "hold" and self.held else frozenset()
        return super().writes(before, effect, after) | written | held

    def excluded(self, system: System, effect: Effect) -> bool:
        anew = effect[0] in ("write", "revive") and effect[1] not in system.running
        return anew or super().excluded(system, effect)

    def _all(self, system: System) -> Iterator[tuple[str, System]]:
        assert isinstance(system, Late)
        if not self.reconciler:
            yield from super()._all(system)
            return
        for name, after in super()._all(system):
            if name != "the worker is given up":
                yield name, after
        live = system.lane.live
        if system.late is None and system.lane.active is None and live is not None:
            todo: tuple[Effect, ...] = (("resize", live, self.pods if live == 1 else self.rolling.wanted),)
            late = Work(RECONCILER, Deployment(live), todo)
            yield "the reconciler reads that nobody deploys", replace(system, late=late, late_lost=frozenset())

    def _late(self, system: Late, work: Work) -> Late:
        if work.who != RECONCILER:
            after = without_gone(super()._late(system, work))
            assert isinstance(after, Late)
            return after
        effect, done = work.todo[0], replace(system, late=None)
        _, number, size = effect
        if self._refused(effect, system.late_lost) or number not in system.running:
            return done
        sizes = tuple((each, size if each == number else pods) for each, pods in system.sizes)
        after = replace(done, sizes=sizes)  # type: ignore[arg-type]
        return replace(after, lost=system.lost | self.writes(system, effect, after))


class LateRollingSearch(LateSearch, RollingSearch):
    """Asks the same of each state as of a rolling release, and of each move as of a late worker."""
