"""Clusters that a team registers, or the operator for all: what they are, who may use them, and how they are reached.

A credential is written to the secret store under a name of its own before the record that names it, and the old one is
forgotten after: so a record never names a credential that is not there. One that no record names, since its writer died in
between, opens nothing that its owner did not give.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from chalicelib.identity.service import Principal, give_back, room_for
from chalicelib.platform import once as keys
from chalicelib.platform.errors import Conflict, Failed, Forbidden, NotFound, StaleVersion
from chalicelib.platform.kubeauth import Access, BearerToken, ClientCertificate, EksRole, EntraClient
from chalicelib.platform.once import Once
from chalicelib.platform.remembered import SecretStore
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import Store, team_store
from chalicelib.platform.table import ConditionFailed, Count, Put, Remove, Write
from chalicelib.projects import service as projects
from chalicelib.runtime.breaker_rules import CLOSED, Breaker
from chalicelib.runtime.breaking import breaker_of, put_breaker
from chalicelib.runtime.cluster_rules import Health, Provider
from chalicelib.runtime.models import CLUSTERS, ClusterRecord, cluster_sk, team_pk


@dataclass(frozen=True, slots=True)
class Registration:
    """What is said of a cluster: how it is reached, whether all teams may use it, and where its traffic is measured."""

    access: Access
    shared: bool
    metrics: str
    preset: str


@dataclass(frozen=True, slots=True)
class RegisteredCluster:
    """A cluster without its credential. `own` is False for one that the operator lends."""

    name: str
    provider: Provider
    server: str
    shared: bool
    own: bool
    metrics: str
    preset: str
    health: Health
    found: str
    checked_at: datetime | None
    created_by: str
    created_at: datetime
    version: int
    breaker: Breaker = CLOSED


@dataclass(frozen=True, slots=True)
class Reach:
    """How a cluster is reached. `id` changes with its credential; `known` hosts may be private.

    `owner` is the team that registered it as `name`; `breaker` says whether it may be asked, and tells no two of these apart.
    """

    id: str
    access: Access
    known: bool
    metrics: str
    preset: str
    owner: str
    name: str
    breaker: Breaker = field(default=CLOSED, compare=False)

    @property
    def secret(self) -> str:
        """The name that its credential is kept under."""
        return _secret_name(self.owner, self.id)


def register_cluster(
    who: Principal,
    name: str,
    wanted: Registration,
    *,
    access_id: str,
    secrets: SecretStore,
    settings: Settings,
    now: datetime,
    once: Once | None,
) -> RegisteredCluster:
    """A new cluster. Raises Forbidden for one to be lent by another than the operator, Conflict, QuotaExceeded, KeyReused."""
    _may_lend(who, wanted, settings)
    record = ClusterRecord(team_pk(who.team), cluster_sk(name), team=who.team, name=name, created_at=now)
    record.created_by, record.gsi1pk, record.gsi1sk = who.subject, CLUSTERS, f"TEAM#{who.team}#{name}"
    _describe(record, wanted, access_id)
    _keep(secrets, record, wanted.access)
    room = room_for(who.team, settings, clusters=1)
    try:
        who.store.commit([Put(record), room.write, *keys.writes(once, name)])
    except ConditionFailed as lost:
        secrets.forget(_secret(record))
        if keys.seen(who.store, once) == name:
            return get_cluster(who, name, settings=settings)
        if lost.failed == {1}:
            raise room.refusal() from lost
        remedy = "Choose another name, or replace what is registered."
        raise Conflict(f"The team has a cluster named {name} already.", remedy=remedy) from lost
    return _cluster(record, who.team)


def replace_cluster(
    who: Principal, name: str, wanted: Registration, *, access_id: str, version: int, secrets: SecretStore, settings: Settings
) -> RegisteredCluster:
    """Another address or credential of a cluster, if `version` is the newest. Raises NotFound, StaleVersion, Forbidden."""
    _may_lend(who, wanted, settings)
    record = _own(who, name)
    if record.edition != version:
        raise StaleVersion(f"The newest version is {record.edition}, not {version}.")
    old, record.edition = _secret(record), version + 1
    _describe(record, wanted, access_id)
    _keep(secrets, record, wanted.access)
    try:
        who.store.commit([Put(record)])
    except ConditionFailed as lost:
        secrets.forget(_secret(record))
        raise StaleVersion("It was changed at the same moment.") from lost
    secrets.forget(old)
    return _cluster(record, who.team)


def get_cluster(who: Principal, name: str, *, settings: Settings) -> RegisteredCluster:
    """A cluster of the team's, or one that the operator lends. Raises NotFound."""
    found = _seen(who.store, who.team, name, settings)
    if found is None:
        raise _absent(name)
    return _cluster(found, who.team)


def list_clusters(
    who: Principal, *, cursor: str | None, limit: int, settings: Settings
) -> tuple[list[RegisteredCluster], str | None]:
    """A page of the team's clusters by name; on the last page, those that the operator lends follow."""
    found, after = who.store.page(ClusterRecord, team_pk(who.team), cluster_sk(""), cursor=cursor, limit=limit)
    own = {each.name for each in found}
    if after is None and who.team != settings.admin_team:
        lender = settings.admin_team
        lent = team_store(lender).every(ClusterRecord, team_pk(lender), cluster_sk(""))
        found = [*found, *(each for each in lent if each.shared and each.name not in own)]
    return [_cluster(each, who.team) for each in found], after


def remove_cluster(who: Principal, name: str, *, secrets: SecretStore) -> None:
    """Forgets a cluster and its credential; what runs there goes on running. Raises NotFound.

    Conflict while an environment of the team is placed on it.
    """
    record = _own(who, name)
    placed = projects.placed_on(who, name)
    if placed is not None:
        project, environment = placed
        remedy = "Delete that environment, or place it elsewhere, first."
        raise Conflict(f"Environment {environment} of {project} is placed on {name}.", remedy=remedy)
    unchanged = ClusterRecord.version == int(record.version or 0)
    try:
        gone = Remove(ClusterRecord, str(record.pk), str(record.sk), unchanged)
        who.store.commit([gone, give_back(who.team, clusters=1)])
    except ConditionFailed as lost:
        raise Conflict(f"The cluster {name} was changed, or placed on, at the same moment.") from lost
    secrets.forget(_secret(record))


def place(who: Principal, project: str, environment: str, cluster: str | None, *, settings: Settings) -> projects.Environment:
    """Places an environment on a cluster, or with None on the installation's own.

    Raises NotFound, LostRace, and Conflict while a service is in it or for a cluster that no check found usable.
    """
    also: list[Write] = []
    if cluster is not None:
        found = _seen(who.store, who.team, cluster, settings)
        if found is None:
            raise _absent(cluster)
        health = Health(found.health)
        if not health.usable:
            remedy = f"Check it again with `cygni clusters check {cluster}`."
            raise Conflict(f"The cluster {cluster} is {health.value}: {found.found or 'it was not checked yet'}", remedy=remedy)
        if found.team == who.team:
            there = {"version": 2}  # what is absent would become 1
            also.append(Count(ClusterRecord, str(found.pk), str(found.sk), {"version": 1}, at_least=there))
    try:
        return projects.place_environment(who, project, environment, cluster=cluster, also=also)
    except ConditionFailed as lost:
        raise _absent(str(cluster)) if lost.failed == {1} else lost from None


def reach(team: str, name: str, *, secrets: SecretStore, settings: Settings) -> Reach:
    """How a team's cluster is reached, for a workflow that acts on its own.

    Raises Failed when it is registered no more, Throttled or SecretsUnavailable when its credential cannot be read now.
    """
    record = _seen(team_store(team), team, name, settings)
    kept = secrets.read(_secret(record)) if record is not None else None
    if record is None or kept is None:
        raise Failed(f"The cluster {name} is registered no more.", remedy=f"Register it again as {name}.")
    hosts = {each.strip().lower() for each in settings.cluster_hosts.split(",") if each.strip()}
    access = Access.from_dict(json.loads(kept))
    known = record.team == settings.admin_team or _host(access.server) in hosts
    return Reach(record.access, access, known, record.metrics, record.preset, record.team, record.name, breaker_of(record))


def _host(server: str) -> str:
    return (urlsplit(server).hostname or "").lower()


def _may_lend(who: Principal, wanted: Registration, settings: Settings) -> None:
    if wanted.shared and who.team != settings.admin_team:
        remedy = "Register it without `shared`, for your own team."
        raise Forbidden("Only the operator's team lends clusters to all teams.", remedy=remedy)


def _describe(record: ClusterRecord, wanted: Registration, access_id: str) -> None:
    record.provider, record.server = _provider(wanted.access).value, wanted.access.server
    record.access, record.shared = access_id, wanted.shared
    record.metrics, record.preset = wanted.metrics, wanted.preset
    record.health, record.found, record.checked_at = Health.UNCHECKED.value, "", None
    put_breaker(record, CLOSED)


def _provider(access: Access) -> Provider:
    match access.credential:
        case EksRole():
            return Provider.EKS
        case EntraClient():
            return Provider.AKS
        case BearerToken():
            return Provider.TOKEN
        case ClientCertificate():
            return Provider.CERTIFICATE
    return Provider.GKE


def _keep(secrets: SecretStore, record: ClusterRecord, access: Access) -> None:
    secrets.write(_secret(record), json.dumps(access.to_dict()), token=f"{record.access}-of-a-cluster")


def _secret(record: ClusterRecord) -> str:
    return _secret_name(str(record.team), str(record.access))


def _secret_name(team: str, access_id: str) -> str:
    return f"cygni/clusters/{team}/{access_id}"


def _own(who: Principal, name: str) -> ClusterRecord:
    record = who.store.fetch(ClusterRecord, team_pk(who.team), cluster_sk(name))
    if record is None:
        raise _absent(name)
    return record


def _seen(store: Store, team: str, name: str, settings: Settings) -> ClusterRecord | None:
    """The team's own of that name, else the operator's if it is lent."""
    own = store.fetch(ClusterRecord, team_pk(team), cluster_sk(name))
    lender = settings.admin_team
    if own is not None or team == lender:
        return own
    lent = team_store(lender).fetch(ClusterRecord, team_pk(lender), cluster_sk(name))
    return lent if lent is not None and lent.shared else None


def _absent(name: str) -> NotFound:
    return NotFound(f"There is no cluster named {name}.", remedy="List the clusters to see their names.")


def _cluster(record: ClusterRecord, team: str) -> RegisteredCluster:
    own = record.team == team
    return RegisteredCluster(
        record.name,
        Provider(record.provider),
        record.server,
        bool(record.shared),
        own,
        record.metrics,
        record.preset,
        Health(record.health),
        record.found,
        record.checked_at,
        record.created_by if own else "",
        record.created_at,
        int(record.edition),
        breaker_of(record),
    )
