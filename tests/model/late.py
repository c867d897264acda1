"""The same system with a worker that is late: given up, replaced by another, and still acting whenever it likes.

What is restated here is the fence of `runtime.fence`, and the same for the lane: a worker's write is refused once anybody else
has written since the worker began. So a late worker may still have its way between the moment in which a rollout turns back and
the write that gives the stable release its traffic again, and never after it. That a late worker starts or stops instances is
left out: nothing but the functions' time limits excludes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from chalicelib.projects.rules import Lane
from chalicelib.rollouts.transitions import Phase
from tests.model.search import EDGES, Search, rises_after_an_abort
from tests.model.system import Effect, Model, System, Work, _retired

_NEEDS = {"route": "route", "live": "lane"}
_WRITES = {"route": "route", "retire": "route", "live": "lane", "back": "lane"}


@dataclass(frozen=True, slots=True)
class Late(System):
    """With the worker that is late. `lost` and `late_lost`: what the one, or the other, may write no more, since somebody else
    has written it since they began; of what they have still to write."""

    late: Work | None = None
    lost: frozenset[str] = frozenset()
    late_lost: frozenset[str] = frozenset()


@dataclass(frozen=True)
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
        for name, after in self._all(system):
            yield name, self._forgetful(after)

    def goes_on(self, system: System) -> Iterator[tuple[str, System]]:
        for name, after in super().goes_on(system):
            yield name, self._forgetful(after)

    def needs(self, effect: Effect) -> str | None:
        """What must be as the worker read it for this effect; else it is refused."""
        return _NEEDS.get(str(effect[0]))

    def writes(self, before: System, effect: Effect, after: System) -> frozenset[str]:
        """What this effect writes, also where that changes nothing."""
        return frozenset(filter(None, [_WRITES.get(str(effect[0]))]))

    def excluded(self, system: System, effect: Effect) -> bool:
        """Whether nothing but the functions' time limits keeps a late worker from this effect."""
        return effect[0] in ("run", "stop")

    def _all(self, system: System) -> Iterator[tuple[str, System]]:
        assert isinstance(system, Late)
        yield from super().moves(system)
        if system.work is not None and system.late is None:
            yield "the worker is given up", replace(system, work=None, late=system.work, late_lost=system.lost)
        if system.late is not None:
            yield "the late worker goes on", self._late(system, system.late)

    def _people(self, system: System) -> Iterator[tuple[str, System]]:
        for name, after in super()._people(system):
            if not self.only_abort or name.endswith(("is asked for", "is asked to abort")):
                yield name, _lane_seen(system, after)

    def _tasks(self, system: System, who: str) -> Iterator[tuple[str, System]]:
        for name, after in super()._tasks(system, who):
            seen = _lane_seen(system, after)
            yield name, seen if seen.work is None else replace(seen, lost=frozenset())

    def _act(self, system: System, work: Work) -> System:
        assert isinstance(system, Late)
        effect = work.todo[0]
        if self._refused(effect, system.lost):
            return replace(system, work=None)
        after = super()._act(system, work)
        assert isinstance(after, Late)
        return replace(after, late_lost=system.late_lost | self.writes(system, effect, after))

    def _late(self, system: Late, work: Work) -> Late:
        """The next effect of the worker that is late; its record is saved only where nobody has saved it since."""
        effect, rest = work.todo[0], work.todo[1:]
        if self.excluded(system, effect) or self._refused(effect, system.late_lost):
            return replace(system, late=None)
        kept, before = system.work, replace(system, late=None, work=None)
        if effect[0] == "retire":
            after: System = retired_upto(before, effect[1], work.record.number)
        else:
            outdated = system.record(work.who) != work.record
            after = super()._act(before, replace(work, todo=(effect,), outdated=outdated))
        assert isinstance(after, Late)
        changed = kept is not None and after.record(kept.who) != kept.record
        kept = replace(kept, outdated=True) if kept is not None and changed else kept
        late = replace(work, todo=rest) if rest else None
        return replace(after, work=kept, late=late, lost=system.lost | self.writes(before, effect, after))

    def _refused(self, effect: Effect, lost: frozenset[str]) -> bool:
        return self.fenced and self.needs(effect) in lost

    def _forgetful(self, system: System) -> Late:
        """Without what no worker writes any more: the same state, whichever way it came about."""
        assert isinstance(system, Late)
        lost, late_lost = self._still(system.work, system.lost), self._still(system.late, system.late_lost)
        same = (lost, late_lost) == (system.lost, system.late_lost)
        return system if same else replace(system, lost=lost, late_lost=late_lost)

    def _still(self, work: Work | None, lost: frozenset[str]) -> frozenset[str]:
        return lost and lost & {self.needs(effect) or "" for effect in (work.todo if work is not None else ())}


def _lane_seen(before: System, after: System) -> Late:
    """Whoever read the lane before somebody else wrote it may not write it."""
    assert isinstance(after, Late)
    if before.lane == after.lane:
        return after
    return replace(after, lost=after.lost | {"lane"}, late_lost=after.late_lost | {"lane"})


class LateSearch(Search):
    """Asks the same of each move, but that a canary gets no more traffic once it has turned back, not while it does."""

    def _broken(self, before: System, after: System) -> str | None:
        own = (check for check in EDGES if check is not rises_after_an_abort)
        found = next(filter(None, (check(self.model, before, after) for check in own)), None)
        return found or rises_when_turned_back(before, after)


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
