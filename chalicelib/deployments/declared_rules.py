"""What to do about one CygniService: from what it asks for and what Cygni knows, to a list of actions. Pure.

1. A generation starts one deployment at most; a stale reading of the object starts none.
2. A spec that was written anew without a change starts none either.
3. A deployment of an earlier spec that still rolls out is aborted for the newer one; somebody else's is waited for.
4. Ready is True only while the release that this very spec made has the traffic.
5. Drift is repaired only between rollouts, since a rollout's own steps write the same objects.
6. Another number of instances starts no deployment: the release that has the traffic is scaled as it stands, between rollouts.
7. A spec whose deployment ended badly, or whose release is not the live one any more, is started again by a value of the
   retry annotation that was not there before, once for each and between rollouts. While the spec has the traffic, or a new
   one is started, a value is only remembered.
8. An object is let go only when nothing is left of what it made; a service that was there before it stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.deployments.states import ENDED, State
from chalicelib.runtime.declared import RETRY, Problem

ASK_AGAIN = frozenset({"UnknownNamespace", "OtherCluster", "QuotaExceeded", "NotFound", "Conflict"})
"""Problems that may be solved without a change of the object itself."""


@dataclass(frozen=True, slots=True)
class Desired:
    """The object as the cluster has it. `digest` is of what it asks for; "" with a `problem`. `held`: it has our finalizer.

    `size` is the number of instances that it names, None where load decides. `retry` stands for its retry annotation's value.
    """

    uid: str
    generation: int
    digest: str = ""
    problem: Problem | None = None
    deleting: bool = False
    held: bool = False
    size: int | None = None
    retry: str = ""


@dataclass(frozen=True, slots=True)
class Handled:
    """The newest spec that was taken up. `created` says that its service was made for it.

    `retries` stand for the newest values that its retry annotation had: one that is read late is known among them.
    """

    uid: str
    generation: int
    digest: str
    deployment: str
    created: bool
    retries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How the deployment of the handled spec stands. `weight` is the percent of requests that its release gets."""

    state: State
    release: int
    outcome: str = ""
    phase: str = ""
    weight: int = 0


@dataclass(frozen=True, slots=True)
class Known:
    """What Cygni's records say. `ours` are the deployments in the lane that a CygniService asked for.

    `size` is the number of instances that the live release is to have, None where load decides; `sized` says whether it is the
    object's to change, since a CygniService asked for that release.
    """

    service: bool = False
    removing: bool = False
    handled: Handled | None = None
    progress: Progress | None = None
    active: str | None = None
    waiting: str | None = None
    live: int | None = None
    ours: frozenset[str] = frozenset()
    size: int | None = None
    sized: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Put the finalizer on the object."""


@dataclass(frozen=True, slots=True)
class LetGo:
    """Take the finalizer off the object."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a deployment of the spec, and remember its retry annotation."""


@dataclass(frozen=True, slots=True)
class Adopt:
    """Remember this generation, and its retry annotation, as one that asks for what was taken up already."""


@dataclass(frozen=True, slots=True)
class Abort:
    """Abort a deployment."""

    deployment: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Remove the service, or with `forget_only` no more than what is remembered of the object."""

    forget_only: bool = False


@dataclass(frozen=True, slots=True)
class Repair:
    """Bring the live release's objects back to what they should be."""


@dataclass(frozen=True, slots=True)
class Resize:
    """Let the release that has the traffic have so many instances."""

    size: int


@dataclass(frozen=True, slots=True)
class LookAgain:
    """Look at the object in the next run too, though it may not change; `drift` says whether to look for drift then."""

    drift: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the status, as Kubernetes has them."""

    type: str
    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Report:
    """What the status is to say."""

    conditions: tuple[Condition, ...]
    release: int | None = None
    deployment: str = ""


Action = Hold | LetGo | Start | Adopt | Abort | Remove | Repair | Resize | LookAgain | Report


def decide(desired: Desired, known: Known, *, drift: bool = False) -> tuple[Action, ...]:
    """What to do now, in order. `drift` says that somebody may have changed the service's objects."""
    if desired.deleting:
        return _end(desired, known)
    if desired.problem is not None:
        again = (LookAgain(),) if desired.problem.reason in ASK_AGAIN else ()
        return (_problem(desired.problem, known), *again)
    hold: tuple[Action, ...] = () if desired.held else (Hold(),)
    handled = known.handled
    if handled is not None and handled.uid == desired.uid and desired.generation < handled.generation:
        return (*hold, LookAgain())
    if known.removing:
        return (_problem(Problem("Removing", "The service is being deleted through Cygni."), known), LookAgain())
    if handled is None or (handled.uid, handled.generation) != (desired.uid, desired.generation):
        same = handled is not None and handled.digest == desired.digest and known.service
        return (*hold, Adopt() if same else Start())
    if not known.service:
        return (*hold, _problem(_GONE, known))
    if desired.retry and desired.retry not in handled.retries and known.active is None:
        return (*hold, Adopt() if _stands(known) else Start())
    return (*hold, *_follow(desired, handled, known, drift=drift))


_GONE = Problem("ServiceDeleted", "The service was deleted through Cygni: delete this object, or change its spec.")


def _stands(known: Known) -> bool:
    """Whether the release of the spec that was taken up has the traffic."""
    progress = known.progress
    return progress is not None and progress.state is State.PROMOTED and known.live == progress.release


def _follow(desired: Desired, handled: Handled, known: Known, *, drift: bool) -> tuple[Action, ...]:
    """A spec that was taken up: make way for its deployment, repair, scale, report."""
    actions: list[Action] = []
    if known.waiting == handled.deployment and known.active in known.ours and known.active is not None:
        actions.append(Abort(known.active))
    busy = known.active is not None
    if drift and not busy and known.live is not None:
        actions.append(Repair())
    if not busy and known.sized and desired.size is not None and desired.size != known.size:
        actions.append(Resize(desired.size))
    actions.append(report(known))
    if busy:
        actions.append(LookAgain(drift=drift))
    return tuple(actions)


def _end(desired: Desired, known: Known) -> tuple[Action, ...]:
    if not desired.held:
        return ()
    handled = known.handled
    if handled is None or handled.uid != desired.uid:
        return (LetGo(),)
    mine = known.ours if not handled.created else frozenset({known.active, known.waiting})
    busy = [each for each in (known.waiting, known.active) if each is not None and each in mine]
    if busy:
        return (*(Abort(each) for each in busy), LookAgain())
    return Remove(forget_only=not handled.created), LetGo()


def report(known: Known) -> Report:
    """The conditions of a service whose spec was taken up."""
    handled, progress = known.handled, known.progress
    if handled is None or progress is None:
        return _problem(Problem("NotFound", "The deployment of this spec is not recorded any more."), known)
    if progress.state not in ENDED:
        return _made(known, handled, _waiting(known, progress), progressing=True)
    if progress.state is not State.PROMOTED:
        return _made(known, handled, _ended_badly(known, progress), degraded=True)
    if known.live != progress.release:
        told = f"Release {known.live or 'none'} has the traffic, which another deployment made; "
        told += f"change the spec, or annotate it with {RETRY}, to roll it out."
        return _made(known, handled, Problem("OtherRelease", told))
    return _made(known, handled, Problem("Live", f"Release {progress.release} has all the traffic."), ready=True)


def _waiting(known: Known, progress: Progress) -> Problem:
    if progress.state is State.QUEUED and known.waiting is not None:
        return Problem("Queued", f"Release {progress.release} waits until {known.active} has ended.")
    phase = progress.phase.replace("_", " ") or "about to begin"
    return Problem("RollingOut", f"Release {progress.release} is {phase}; {progress.weight} % of requests go to it.")


def _ended_badly(known: Known, progress: Progress) -> Problem:
    reason = "".join(part.capitalize() for part in progress.state.value.split("_"))
    still = f" Release {known.live} has the traffic." if known.live is not None else " Nothing is live."
    return Problem(reason, (progress.outcome or "It ended without a reason.").partition("\n")[0] + still)


def _made(
    known: Known, handled: Handled, said: Problem, *, ready: bool = False, progressing: bool = False, degraded: bool = False
) -> Report:
    held = {"Ready": ready, "Progressing": progressing, "Degraded": degraded}
    conditions = tuple(Condition(kind, str(value), said.reason, said.message) for kind, value in held.items())
    return Report(conditions, known.live, handled.deployment)


def _problem(problem: Problem, known: Known) -> Report:
    held = {"Ready": "False", "Progressing": "False", "Degraded": "True"}
    conditions = tuple(Condition(kind, value, problem.reason, problem.message) for kind, value in held.items())
    return Report(conditions, known.live, known.handled.deployment if known.handled else "")
