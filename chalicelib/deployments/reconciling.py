"""One CygniService brought nearer to what it asks for: its facts are gathered, the rules decide, and this carries out.

Every step may run twice. What a person could do through the API goes the same way as theirs, in the team's own store, with a
line in its audit trail that names the reconciler.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from chalicelib.audit.service import Deed, Trail
from chalicelib.deployments import reporting
from chalicelib.deployments.controls import abort_unless_over
from chalicelib.deployments.declared import adopt_generation, forget_declared, start_declared
from chalicelib.deployments.declared_facts import RECONCILER, known_of
from chalicelib.deployments.declared_rules import (
    Abort,
    Action,
    Adopt,
    Desired,
    Hold,
    Known,
    LetGo,
    LookAgain,
    Remove,
    Repair,
    Report,
    Resize,
    Start,
    decide,
)
from chalicelib.deployments.releases import Release, find_release, keep_size, target_of, workload_of
from chalicelib.deployments.removal import remove_service
from chalicelib.identity.service import Kind, Principal
from chalicelib.platform.codebuild import Builders
from chalicelib.platform.errors import Conflict, CygniError, LostRace, Transient
from chalicelib.platform.ids import NewId
from chalicelib.platform.kubeport import Json
from chalicelib.platform.kubewatch import WatchedCluster
from chalicelib.platform.settings import Settings
from chalicelib.platform.storage import Storage
from chalicelib.platform.store import team_store
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import ServiceKey, cluster_of, create_service, get_lane, held_service, mark_deleting
from chalicelib.runtime import drift
from chalicelib.runtime import service as runtime
from chalicelib.runtime.declared import FINALIZER, Problem, Wanted, place_of, retry_of, wanted
from chalicelib.runtime.rules import Target
from chalicelib.runtime.sizes import size_of

_ROUNDS = 3
_DECLARED = "Declared by CygniService "


@dataclass(frozen=True, slots=True)
class Hands:
    """What a run of the reconciler reaches. `team` and `name` are a registered cluster's, "" for the installation's own.

    `namespaces` keeps those that were read, for the length of one run."""

    cluster: WatchedCluster
    workflows: Workflows
    settings: Settings
    new_id: NewId
    clock: Callable[[], datetime]
    team: str = ""
    name: str = ""
    gateway: runtime.Gateway = field(default_factory=runtime.Gateway)
    namespaces: dict[str, Json | None] = field(default_factory=dict)

    def namespace(self, name: str) -> Json | None:
        """A namespace as the cluster has it."""
        if name not in self.namespaces:
            self.namespaces[name] = self.cluster.get("Namespace", "", name)
        return self.namespaces[name]

    def place(self, obj: Json) -> Target | Problem:
        """The service that an object is; a team's cluster holds that team's alone, and an environment is on one cluster."""
        place = place_of(obj["metadata"]["name"], self.namespace(obj["metadata"]["namespace"]))
        if isinstance(place, Problem):
            return place
        if self.team and self.team != place.team:
            return Problem("UnknownNamespace", "This cluster belongs to another team than the namespace's label says.")
        placed = cluster_of(place.team, place.project, place.environment) or ""
        if placed != self.name:
            where = f"cluster {placed}" if placed else "the installation's own cluster"
            return Problem("OtherCluster", f"Environment {place.environment} is placed on {where}: apply this object there.")
        return place


@dataclass(frozen=True, slots=True)
class _Case:
    """One object with what was made of it."""

    hands: Hands
    object: Json
    place: Target | Problem
    asked: Wanted | Problem

    @property
    def key(self) -> ServiceKey:
        if isinstance(self.place, Problem):
            raise AssertionError("an object without a place has no service")
        return ServiceKey(self.place.team, self.place.project, self.place.environment, self.place.service)

    def who(self, operation: str) -> Principal:
        """The reconciler, acting for the service's team; what it changes is in the team's trail."""
        key, hands = self.key, self.hands
        deed = Deed(
            team=key.team,
            actor=RECONCILER,
            actor_kind=Kind.SYSTEM.value,
            operation=operation,
            resource=f"projects/{key.project}/environments/{key.environment}/services/{key.service}",
            request=f"{self.object['metadata']['uid']}/{self.object['metadata'].get('generation', 0)}"[:64],
            source="",
            now=hands.clock(),
            since=None,
            retention=hands.settings.audit_retention,
        )
        return Principal(RECONCILER, Kind.SYSTEM, key.team, None, team_store(key.team).seen_by(Trail(deed)))


def reconcile(hands: Hands, obj: Json, *, looked_for_drift: bool) -> LookAgain | None:
    """Does for one object what is due now; says whether it is to be looked at again though it may not change.

    A refusal becomes a condition on the object. Raises Transient: then nothing is lost, and the next run begins anew.
    """
    meta = obj["metadata"]
    place = hands.place(obj)
    case = _Case(hands, obj, place, place if isinstance(place, Problem) else wanted(obj, place))
    try:
        return _rounds(case, looked_for_drift)
    except Transient:
        raise
    except CygniError as refused:
        said = Problem(type(refused).__name__, f"{refused.message} {refused.remedy}".strip())
        actions = decide(Desired(meta["uid"], meta.get("generation", 0), problem=said, held=_held(obj)), Known())
        return _carry_out(case, actions)


def _rounds(case: _Case, looked_for_drift: bool) -> LookAgain | None:
    """A start and an adoption are followed up at once; where another writer was first, all is read and decided anew."""
    again: LookAgain | None = None
    for left in reversed(range(_ROUNDS)):
        actions = decide(_desired(case), _known(case), drift=looked_for_drift)
        try:
            again = _carry_out(case, actions)
        except LostRace:
            if not left:
                raise
            continue
        if not any(isinstance(each, (Start, Adopt)) for each in actions):
            return again
    return again or LookAgain()


def _desired(case: _Case) -> Desired:
    meta, asked = case.object["metadata"], case.asked
    problem = asked if isinstance(asked, Problem) else None
    return Desired(
        meta["uid"],
        int(meta.get("generation", 0)),
        digest="" if isinstance(asked, Problem) else asked.digest,
        problem=problem,
        deleting=bool(meta.get("deletionTimestamp")),
        held=_held(case.object),
        size=None if isinstance(asked, Problem) else asked.size,
        retry=retry_of(case.object),
    )


def _held(obj: Json) -> bool:
    return FINALIZER in (obj["metadata"].get("finalizers") or ())


def _known(case: _Case) -> Known:
    if isinstance(case.place, Problem):
        return Known()
    return known_of(case.key, deleting=bool(case.object["metadata"].get("deletionTimestamp")))


def _carry_out(case: _Case, actions: tuple[Action, ...]) -> LookAgain | None:
    again: LookAgain | None = None
    for action in actions:
        if isinstance(action, LookAgain):
            again = action
        elif isinstance(action, Report):
            _report(case, action)
        else:
            _DOERS[type(action)](case, action)
    return again


def _report(case: _Case, said: Report) -> None:
    hands = case.hands
    placed = said.release is not None and not isinstance(case.place, Problem)
    pods = runtime.instances(hands.cluster, target_of(case.key), int(said.release or 0)) if placed else None
    reporting.report(hands.cluster, case.object, said, url=_url(case), now=hands.clock(), pods=pods)


def _hold(case: _Case, _action: Hold) -> None:
    reporting.set_finalizers(case.hands.cluster, case.object, [FINALIZER])


def _let_go(case: _Case, _action: LetGo) -> None:
    reporting.set_finalizers(case.hands.cluster, case.object, [])


def _start(case: _Case, _action: Start) -> None:
    if isinstance(case.asked, Problem):
        raise AssertionError("a spec with a problem is not started")
    hands, key, meta = case.hands, case.key, case.object["metadata"]
    created = held_service(key) is None
    if created:
        _make_service(case, f"{_DECLARED}{meta['namespace']}/{meta['name']}")
    record = start_declared(
        case.who("reconcile.deploy"),
        key,
        case.asked,
        uid=meta["uid"],
        generation=int(meta.get("generation", 0)),
        retry=retry_of(case.object),
        created=created or _made_before(key),
        workflows=hands.workflows,
        new_id=hands.new_id,
        now=hands.clock(),
    )
    reporting.tell(
        hands.cluster, case.object, "DeploymentStarted", f"{record.id} makes release {int(record.number)}.", hands.clock()
    )


def _make_service(case: _Case, description: str) -> None:
    hands = case.hands
    try:
        create_service(
            case.who("reconcile.create_service"),
            case.key,
            description=description,
            settings=hands.settings,
            now=hands.clock(),
            once=None,
        )
    except Conflict as taken:
        if held_service(case.key) is None:
            raise taken


def _made_before(key: ServiceKey) -> bool:
    """Whether a run that ended between making the service and starting its deployment made it."""
    service = held_service(key)
    return service is not None and service.description.startswith(_DECLARED) and service.lane.last == 0


def _adopt(case: _Case, _action: Adopt) -> None:
    meta = case.object["metadata"]
    generation, retry = int(meta.get("generation", 0)), retry_of(case.object)
    adopt_generation(case.who("reconcile.adopt"), case.key, uid=meta["uid"], generation=generation, retry=retry)


def _abort(case: _Case, action: Abort) -> None:
    hands = case.hands
    builders = Builders(hands.settings.build_project)
    abort_unless_over(case.who("reconcile.abort"), case.key, action.deployment, builders=builders, now=hands.clock())


def _remove(case: _Case, action: Remove) -> None:
    """What a service deleted through the API goes through: first what runs, then what is recorded."""
    key = case.key
    if not action.forget_only:
        if held_service(key) is not None:
            mark_deleting(case.who("reconcile.delete"), key)
        hands = case.hands
        if not remove_service(key, hands.cluster, Storage(hands.settings.bucket), hands.clock):
            raise LostRace(f"A deployment of {key.service} began between two reads, or more is left of it than goes at a time.")
    forget_declared(case.who("reconcile.forget"), key)


def _repair(case: _Case, _action: Repair) -> None:
    hands, key, release = case.hands, case.key, _live_release(case.key)
    if release is None:
        return
    repaired = drift.repair(
        hands.cluster,
        workload_of(key, release),
        host=_host(hands, target_of(key)),
        confirm=lambda: _still_live(case, release),
        gateway=hands.gateway,
    )
    if repaired:
        told = "; ".join(map(str, repaired))
        case.who("reconcile.repair_drift").store.commit([])
        reporting.tell(hands.cluster, case.object, "DriftRepaired", f"Brought back: {told}.", hands.clock(), warning=True)


def _resize(case: _Case, action: Resize) -> None:
    """The cluster first, then the record: a run that ends in between does the same again."""
    hands, key, release = case.hands, case.key, _live_release(case.key)
    if release is None:
        return
    seen = size_of(hands.cluster, target_of(key), release.number)
    _still_live(case, release)
    runtime.resize(hands.cluster, workload_of(key, replace(release, replicas=action.size)), seen.put_up)
    keep_size(case.who("reconcile.scale"), key, release.number, action.size)
    told = f"Release {release.number} was scaled to {action.size}."
    reporting.tell(hands.cluster, case.object, "Scaled", told, hands.clock())


def _live_release(key: ServiceKey) -> Release | None:
    live = get_lane(key).live
    return None if live is None else find_release(key, live)


def _still_live(case: _Case, release: Release) -> None:
    """To be asked between what is read of the cluster and what is written. Raises LostRace when a rollout has begun."""
    lane = get_lane(case.key)
    if lane.active is not None or lane.live != release.number:
        raise LostRace(f"A deployment of {case.key.service} began between two reads.")


def _host(hands: Hands, target: Target) -> str:
    return target.host(hands.settings.apps_domain, home=hands.settings.admin_team)


def _url(case: _Case) -> str:
    if isinstance(case.place, Problem):
        return ""
    known, host = case.hands.settings, _host(case.hands, case.place)
    return f"{known.apps_scheme}://{host}" + (f":{known.apps_port}" if known.apps_port else "")


_DOERS: Mapping[type, Callable[[_Case, Any], None]] = {
    Hold: _hold,
    LetGo: _let_go,
    Start: _start,
    Adopt: _adopt,
    Abort: _abort,
    Remove: _remove,
    Repair: _repair,
    Resize: _resize,
}
