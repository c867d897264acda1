"""A service that is declared, as states and moves: an object that people change, and a reconciler that may die or read late.

The rules are the real ones (`deployments.declared_rules`, and those of `tests.model.system`, which this goes on from). What is
restated here is what `deployments.reconciling` does: it reads the object, of which it may get what is out of date; it reads the
records and decides; and it carries out one action after the other, each of which is one move. Of these, `Start` reads the note
and the lane anew and writes them in one commit, as `deployments.declared` does; `Resize` reads the lane anew, and is refused by
what it read of the release when a rollout has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from chalicelib.deployments.declared_rules import Abort, Action, Adopt, Desired, Handled, Known, Progress, Resize, Start, decide
from chalicelib.deployments.rules import merged, refusal
from chalicelib.deployments.states import Request, State
from chalicelib.projects.rules import Lane, enter
from chalicelib.rollouts.transitions import Phase
from tests.model.search import TURNED, Search, healed
from tests.model.system import Deployment, Model, System

UID = "u"
DIGESTS = ("x", "y")
MOST_MOVES = 120
Decide = Callable[[Desired, Known], tuple[Action, ...]]
_STANDS = {Phase.PROMOTED: State.PROMOTED, Phase.ROLLED_BACK: State.ROLLED_BACK}


@dataclass(frozen=True, slots=True)
class Run:
    """A run of the reconciler: the generation of the object that it read, and what it still has to do."""

    generation: int
    todo: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class Declared(System):
    """Everything. `specs` has the object's digest at each generation and `numbers` how many instances it asks for, `asked` the
    generation that each deployment was for, `note` what was taken up last, and `runs` the runs of the reconciler that have
    begun and not ended."""

    specs: tuple[str, ...] = DIGESTS[:1]
    numbers: tuple[int, ...] = (1,)
    asked: tuple[tuple[str, int], ...] = ()
    note: Handled | None = None
    runs: tuple[Run, ...] = ()

    def desired(self, generation: int) -> Desired:
        return Desired(UID, generation, self.specs[generation - 1], held=True, size=self.numbers[generation - 1])

    def known(self) -> Known:
        lane, records = self.lane, dict(self.deployments)
        sized = lane.live in {records[who].number for who, _ in self.asked}
        return Known(
            service=True,
            handled=self.note,
            progress=None if self.note is None else _progress(records[self.note.deployment], waits=lane.waiting is not None),
            active=lane.active,
            waiting=lane.waiting,
            live=lane.live,
            ours=frozenset(who for who, _ in self.asked),
            size=self.size(lane.live) if sized else None,
            sized=sized,
        )


@dataclass(frozen=True, slots=True)
class DeclaredModel(Model):
    """The moves of a declared service: its spec changes at most `changes` times, or where it `scales` its number of instances;
    `hands` runs may overlap, with a `stranger` somebody deploys once through the API, and where it `aborts` people abort what
    is under way. `decide` are the rules."""

    changes: int = 1
    hands: int = 1
    stranger: bool = False
    aborts: bool = True
    scales: bool = False
    decide: Decide = decide

    @property
    def start(self) -> Declared:
        """The object was applied; nothing was taken up yet."""
        return Declared(Lane(), route=(), running=frozenset()) if self.first else Declared()

    def moves(self, system: System) -> Iterator[tuple[str, System]]:
        assert isinstance(system, Declared)
        yield from Model.moves(self, system)
        yield from self.reconciles(system, oldest=len(system.specs) - 1)
        for index in range(len(system.runs)):
            yield f"run {index} dies", replace(system, runs=_without(system.runs, index))

    def reconciles(self, system: Declared, *, oldest: int) -> Iterator[tuple[str, Declared]]:
        """A run begins, with a reading of the object that may be as old as that generation; or one goes on."""
        if len(system.runs) < self.hands:
            for generation in range(max(1, oldest), len(system.specs) + 1):
                todo = self.due(system, generation)
                if todo:
                    begun = (*system.runs, Run(generation, todo))
                    yield f"a run reads generation {generation}", replace(system, runs=begun)
        for index, run in enumerate(system.runs):
            rest = replace(run, todo=run.todo[1:])
            runs = (*system.runs[:index], *((rest,) if rest.todo else ()), *system.runs[index + 1 :])
            yield f"run {index} does {run.todo[0]}", self._do(replace(system, runs=runs), run.generation, run.todo[0])

    def quiet(self, system: System) -> bool:
        """Whether nobody is deploying, and the reconciler has nothing to do."""
        assert isinstance(system, Declared)
        return Model.quiet(self, system) and not system.runs and not self.due(system, len(system.specs))

    def due(self, system: Declared, generation: int) -> tuple[Action, ...]:
        """What the rules would have done now that changes anything, of a reading of this generation."""
        actions = self.decide(system.desired(generation), system.known())
        return tuple(each for each in actions if isinstance(each, (Start, Adopt, Resize)) or _aborts(system, each))

    def _people(self, system: System) -> Iterator[tuple[str, System]]:
        assert isinstance(system, Declared)
        if len(system.specs) <= self.changes:
            spec, number = system.specs[-1], system.numbers[-1]
            for digest in DIGESTS:
                yield f"the spec is {digest}", _declared(system, digest, number)
            if self.scales:
                yield f"the spec asks for {3 - number}", _declared(system, spec, 3 - number)
        if self.stranger and "p" not in dict(system.deployments):
            yield "p is asked for", _entered(system, "p")
        for who, record in system.deployments if self.aborts else ():
            if not record.ended and record.requested is not Request.ABORT:
                yield f"{who} is asked to abort", _asked_to_abort(system, who)

    def _reads_again(self) -> bool:
        """Whether a start reads the note anew, in the commit that writes it."""
        return True

    def _looks_again(self) -> bool:
        """Whether a release is scaled only while nobody deploys: the lane is read anew, and the write refused after that."""
        return True

    def _do(self, system: Declared, generation: int, action: Action) -> Declared:
        note = system.note
        match action:
            case Start():
                if note is not None and note.generation >= generation and self._reads_again():
                    return system
                who = f"d{len(system.asked)}"
                made = _entered(system, who)
                taken = Handled(UID, generation, system.specs[generation - 1], who, created=False)
                sizes = (*system.sizes, (made.record(who).number, system.numbers[generation - 1]))
                return replace(made, note=taken, asked=(*system.asked, (who, generation)), sizes=sizes)
            case Resize(size) if system.lane.live is not None:
                if system.lane.active is not None and self._looks_again():
                    return system
                sizes = tuple((each, size if each == system.lane.live else was) for each, was in system.sizes)
                return replace(system, sizes=sizes)
            case Adopt() if note is not None:
                return replace(system, note=replace(note, generation=generation))
            case Abort(who) if not system.record(who).ended:
                return _asked_to_abort(system, who)
        return system


class DeclaredSearch(Search):
    """All states of a declared service, each of which ends, with faults stopped, with the last spec that was declared."""

    def _without_end(self, system: System) -> str | None:
        assert isinstance(system, Declared)
        assert isinstance(self.model, DeclaredModel)
        return started_wrongly(system) or comes_to_what_was_declared(self.model, system)

    def _broken(self, before: System, after: System) -> str | None:
        return Search._broken(self, before, after) or scaled_in_mid_rollout(before, after)


def scaled_in_mid_rollout(before: System, after: System) -> str | None:
    """The reconciler changes the size of no release while somebody deploys, since a rollout may lead it."""
    scaled = [number for number, size in before.sizes if after.size(number) != size]
    return f"{before.lane.active} is under way, and the reconciler scaled {scaled}" if scaled and before.lane.active else None


def started_wrongly(system: Declared) -> str | None:
    """A generation starts one deployment at most, and none after a newer one has."""
    generations = [generation for _, generation in system.asked]
    return None if generations == sorted(set(generations)) else f"deployments were started for generations {generations}"


def comes_to_what_was_declared(model: DeclaredModel, system: Declared) -> str | None:
    """In so many moves of good days it is quiet, and what has the traffic is what was declared last, unless that was spoilt."""
    at, moves = system, 0
    while not model.quiet(at):
        better = _better(model, at)
        if better is None or (moves := moves + 1) > MOST_MOVES:
            return f"{moves} moves did not bring it to its end"
        at = better
    note, spec = at.note, at.specs[-1]
    if note is None or (note.generation, note.digest) != (len(at.specs), spec):
        return f"spec {spec} of generation {len(at.specs)} was declared last, and {note} was taken up"
    if at.known().sized and at.size(at.lane.live) != at.numbers[-1]:
        return f"{at.numbers[-1]} instances were declared last, and release {at.lane.live} has {at.size(at.lane.live)}"
    record = at.record(note.deployment)
    if at.lane.live == record.number or _spoilt(system, at, note.deployment):
        return None
    return f"{note.deployment} makes what was declared last, and release {at.lane.live} is live"


def _better(model: DeclaredModel, system: Declared) -> Declared | None:
    """The move of a good day. The reconciler comes by when the workers have done what they can."""
    found = healed(model, system)
    if found is None:
        found = next((after for _, after in model.reconciles(system, oldest=len(system.specs))), None)
    assert found is None or isinstance(found, Declared)
    return found


def _spoilt(before: Declared, after: Declared, who: str) -> bool:
    """Whether something that was so before good days began keeps a deployment from the traffic: it had turned back or was to be
    aborted, it had ended, or a stranger's came after it."""
    number = after.record(who).number
    later = any(each.number > number for other, each in after.deployments if other == "p")
    record = dict(before.deployments).get(who)
    if record is None or later:
        return later
    turned = record.rollout is not None and record.rollout.phase in TURNED
    failing = before.work is not None and before.work.who == who and _turns(before.work.todo)
    return turned or failing or record.requested is Request.ABORT or record.ended


def _turns(todo: tuple[tuple[object, ...], ...]) -> bool:
    saved = [each[1] for each in todo if each[0] == "save"]
    return any(isinstance(each, Deployment) and each.rollout is not None and each.rollout.phase in TURNED for each in saved)


def _aborts(system: Declared, action: Action) -> bool:
    if not isinstance(action, Abort):
        return False
    record = system.record(action.deployment)
    return not record.ended and record.requested is not Request.ABORT


def _progress(record: Deployment, *, waits: bool) -> Progress:
    if record.rollout is None:
        return Progress(State.CANCELLED if record.ended else State.QUEUED, record.number)
    stands = _STANDS.get(record.rollout.phase, State.ROLLING_OUT)
    return Progress(stands if record.ended else State.ROLLING_OUT, record.number, weight=0 if waits else record.rollout.weight)


def _entered(system: Declared, who: str) -> Declared:
    """With one more deployment in the lane; the one that it puts out of the queue has ended."""
    entered = enter(system.lane, who)
    made = tuple((name, replace(each, ended=each.ended or name == entered.superseded)) for name, each in system.deployments)
    return replace(system, lane=entered.lane, deployments=(*made, (who, Deployment(entered.number))))


def _asked_to_abort(system: Declared, who: str) -> Declared:
    record = system.record(who)
    if refusal(Request.ABORT, State.ROLLING_OUT, record.rollout, record.requested) is not None:
        return system
    asked = replace(record, requested=merged(Request.ABORT, record.requested))
    work = system.work
    if work is not None and work.who == who:
        work = replace(work, outdated=True)
    deployments = tuple((name, asked if name == who else each) for name, each in system.deployments)
    return replace(system, deployments=deployments, work=work)


def _declared(system: Declared, digest: str, number: int) -> Declared:
    """With one generation more."""
    return replace(system, specs=(*system.specs, digest), numbers=(*system.numbers, number))


def _without(runs: tuple[Run, ...], index: int) -> tuple[Run, ...]:
    return (*runs[:index], *runs[index + 1 :])
