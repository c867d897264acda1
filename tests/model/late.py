"""The same system with a worker that is late: given up, replaced by another, and still acting whenever it likes.

What is restated here is the fence of `runtime.fence`: a worker's write of the route is refused once anybody else has written it
since the worker began. So a late worker may still have its way between the moment in which a rollout turns back and the write
that gives the stable release its traffic again, and never after it. That a late worker starts or stops instances is left out:
nothing but the functions' time limits excludes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.projects.rules import Lane
from chalicelib.rollouts.transitions import Phase
from tests.model.search import EDGES, Search, rises_after_an_abort
from tests.model.system import Effect, Model, System, Work, _retired


@dataclass(frozen=True, slots=True)
class Late(System):
    """With the worker that is late. `open` and `late_open`: nobody has written the route since the one, or the other, began."""

    late: Work | None = None
    open: bool = True
    late_open: bool = True


@dataclass(frozen=True, slots=True)
class LateModel(Model):
    """A model in which a task may be given up while it runs, at most one at a time; `fenced` as the system is.

    Where people `only_abort` they neither pause nor promote, for a search that ends.
    """

    fenced: bool = True
    only_abort: bool = False

    @property
    def start(self) -> Late:
        """As without anybody late."""
        return Late(Lane(), route=(), running=frozenset()) if self.first else Late()

    def moves(self, system: System) -> Iterator[tuple[str, System]]:
        """Everything that can happen next."""
        assert isinstance(system, Late)
        yield from Model.moves(self, system)
        if system.work is not None and system.late is None:
            yield "the worker is given up", replace(system, work=None, late=system.work, late_open=system.open)
        if system.late is not None:
            yield "the late worker goes on", self._late(system, system.late)

    def _people(self, system: System) -> Iterator[tuple[str, System]]:
        for name, after in Model._people(self, system):
            if not self.only_abort or name.endswith(("is asked for", "is asked to abort")):
                yield name, after

    def _tasks(self, system: System, who: str) -> Iterator[tuple[str, System]]:
        for name, after in Model._tasks(self, system, who):
            yield name, replace(after, open=True) if isinstance(after, Late) and after.work is not None else after

    def _act(self, system: System, work: Work) -> System:
        assert isinstance(system, Late)
        if self.fenced and writes_route(work.todo[0]) and not system.open:
            return replace(system, work=None)
        after = Model._act(self, system, work)
        wrote = writes_route(work.todo[0]) or work.todo[0][0] == "retire"
        return replace(after, late_open=system.late_open and not wrote) if isinstance(after, Late) else after

    def _late(self, system: Late, work: Work) -> Late:
        """The next effect of the worker that is late; its record is saved only where nobody has saved it since."""
        effect, rest = work.todo[0], work.todo[1:]
        if effect[0] in ("run", "stop") or (self.fenced and writes_route(effect) and not system.late_open):
            return replace(system, late=None)
        kept, system = system.work, replace(system, late=None, work=None)
        if effect[0] == "retire":
            after = retired_upto(system, effect[1], work.record.number)
        else:
            outdated = system.record(work.who) != work.record
            after = Model._act(self, system, replace(work, todo=(effect,), outdated=outdated))
        assert isinstance(after, Late)
        wrote = writes_route(effect) or effect[0] == "retire"
        changed = kept is not None and after.record(kept.who) != kept.record
        kept = replace(kept, outdated=True) if kept is not None and changed else kept
        return replace(after, work=kept, late=replace(work, todo=rest) if rest else None, open=system.open and not wrote)


class LateSearch(Search):
    """Asks the same of each move, but that a canary gets no more traffic once it has turned back, not while it does."""

    def _broken(self, before: System, after: System) -> str | None:
        own = (check for check in EDGES if check is not rises_after_an_abort)
        found = next(filter(None, (check(self.model, before, after) for check in own)), None)
        return found or rises_when_turned_back(before, after)


def writes_route(effect: Effect) -> bool:
    """Whether an effect is a write of the route that the fence guards."""
    return effect[0] == "route"


def rises_when_turned_back(before: System, after: System) -> str | None:
    """What has turned back gets no traffic."""
    for _, record in before.deployments:
        if record.rollout is not None and record.rollout.phase is Phase.ROLLED_BACK:
            was, now = dict(before.route).get(record.number, 0), dict(after.route).get(record.number, 0)
            if now > was:
                return f"release {record.number} had turned back, and its weight rose from {was} to {now}"
    return None


def retired_upto(system: Late, keep: object, upto: int) -> Late:
    """As `runtime.retire` and `retire_first`: releases that came later stay."""
    later = frozenset(each for each in system.running if each > upto)
    if keep is None:
        return system if later else replace(system, running=frozenset(), route=())
    after = _retired(system, keep)
    assert isinstance(after, Late)
    back = tuple(sorted({*after.route, *((number, weight) for number, weight in system.route if number in later)}))
    return replace(after, running=after.running | later, route=back)
