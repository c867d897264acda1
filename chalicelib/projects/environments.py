"""Environments of a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.service import Principal, give_back, room_for
from chalicelib.platform.errors import Conflict
from chalicelib.platform.once import Once
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Check, Put, Remove, Write
from chalicelib.projects import freezes
from chalicelib.projects.freezes import Freeze
from chalicelib.projects.models import EnvironmentRecord, ProjectRecord, ServiceRecord, project_pk, service_sk, team_pk
from chalicelib.projects.records import create, describe, load
from chalicelib.projects.rules import EnvironmentKind, kind_of


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of a project."""

    project: str
    name: str
    kind: EnvironmentKind
    description: str
    created_at: datetime
    version: int
    freezes: tuple[Freeze, ...] = ()
    cluster: str | None = None
    """The registered cluster that it is placed on; None is the installation's own."""


def create_environment(
    who: Principal,
    project: str,
    name: str,
    *,
    kind: EnvironmentKind,
    description: str,
    settings: Settings,
    now: datetime,
    once: Once | None,
) -> Environment:
    """A new environment; its kind stays. Previews are counted.

    Raises NotFound without its project, Conflict when the name is taken, QuotaExceeded, KeyReused.
    """
    record = environment_record(who.team, project, name, kind, description, now)
    parent = Check(ProjectRecord, team_pk(who.team), f"PROJECT#{project}")
    taken = f"Project {project} has an environment named {name} already."
    absent = f"There is no project named {project}."
    room = room_for(who.team, settings, previews=1) if kind is EnvironmentKind.PREVIEW else None
    new = create(who.store, [Put(record), parent], room=room, made=name, once=once, taken=taken, absent=absent)
    return _environment(record) if new else get_environment(who, project, name)


def get_environment(who: Principal, project: str, name: str) -> Environment:
    """One environment. Raises NotFound."""
    return _environment(_load_environment(who, project, name))


def list_environments(who: Principal, project: str, *, cursor: str | None, limit: int) -> tuple[list[Environment], str | None]:
    """A page of a project's environments by name. Raises NotFound without the project."""
    records, after = who.store.page(
        EnvironmentRecord, project_pk(who.team, project), "ENVIRONMENT#", cursor=cursor, limit=limit
    )
    if not records and cursor is None:
        load(who.store, ProjectRecord, team_pk(who.team), f"PROJECT#{project}", f"There is no project named {project}.")
    return [_environment(record) for record in records if who.sees(project, record.name)], after


def describe_environment(who: Principal, project: str, name: str, *, description: str, version: int) -> Environment:
    """Changes the description, if `version` is still the newest. Raises NotFound, StaleVersion."""
    return _environment(describe(who.store, _load_environment(who, project, name), description, version))


def freeze_environment(who: Principal, project: str, name: str, freeze: Freeze, now: datetime) -> Environment:
    """Adds a window in which no release begins. Raises NotFound, Conflict when there are too many."""
    return _environment(freezes.add(who.store, lambda: _load_environment(who, project, name), freeze, now))


def thaw_environment(who: Principal, project: str, name: str) -> Environment:
    """Lifts all freeze windows. Raises NotFound."""
    return _environment(freezes.clear(who.store, lambda: _load_environment(who, project, name)))


def environment_address(team: str, project: str, name: str) -> tuple[type[EnvironmentRecord], str, str]:
    """Where an environment's record is, for a read of several records at once."""
    return EnvironmentRecord, project_pk(team, project), f"ENVIRONMENT#{name}"


def place_environment(
    who: Principal, project: str, name: str, *, cluster: str | None, also: Sequence[Write] = ()
) -> Environment:
    """Places an environment on a cluster, None for the installation's own.

    `also` is written along with it; ConditionFailed says which write lost, the environment's being the first. Raises NotFound,
    and Conflict while a service is in it: what runs on the one cluster would be nobody's any more.
    """
    record = _load_environment(who, project, name)
    if record.cluster == cluster:
        return _environment(record)
    if _has_services(who, project, name):
        remedy = "Place an environment before its first service; a new environment can be placed at once."
        raise Conflict(f"Environment {name} has services, which run where it is placed now.", remedy=remedy)
    record.cluster = cluster
    who.store.commit([Put(record), *also])
    return _environment(record)


def cluster_of(team: str, project: str, environment: str) -> str | None:
    """The cluster that an environment is placed on, for a workflow that acts on its own; None is the installation's own.

    What is left of a service whose environment is gone was on the installation's own, or is gone with its cluster.
    """
    record = team_store(team).fetch(EnvironmentRecord, project_pk(team, project), f"ENVIRONMENT#{environment}")
    return record.cluster if record is not None else None


def placed_on(who: Principal, cluster: str) -> tuple[str, str] | None:
    """The first environment found on a cluster, as project and name; None when nothing is placed there."""
    for project in who.store.every(ProjectRecord, team_pk(who.team), "PROJECT#"):
        for each in who.store.every(EnvironmentRecord, project_pk(who.team, project.name), "ENVIRONMENT#"):
            if each.cluster == cluster:
                return each.project, each.name
    return None


def delete_environment(who: Principal, project: str, name: str) -> None:
    """Removes an environment. Raises NotFound, and Conflict while a service is in it."""
    if _has_services(who, project, name):
        raise Conflict(f"Environment {name} still has services.", remedy="Delete its services first.")
    who.store.commit(removals(who.team, [_load_environment(who, project, name)]))


def environment_record(
    team: str, project: str, name: str, kind: EnvironmentKind, description: str, now: datetime
) -> EnvironmentRecord:
    """An environment's record, not yet saved."""
    record = EnvironmentRecord(project_pk(team, project), f"ENVIRONMENT#{name}", project=project, name=name)
    record.kind, record.description, record.created_at = kind.value, description, now
    return record


def removals(team: str, records: Sequence[EnvironmentRecord]) -> list[Write]:
    """The writes that remove environments and give back the room of previews: once, since each must be as it was read."""
    gone: list[Write] = [
        Remove(EnvironmentRecord, str(each.pk), str(each.sk), EnvironmentRecord.version == int(each.version or 0))
        for each in records
    ]
    previews = sum(_kind(each) is EnvironmentKind.PREVIEW for each in records)
    return [*gone, give_back(team, previews=previews)] if previews else gone


def _has_services(who: Principal, project: str, name: str) -> bool:
    found, _ = who.store.page(ServiceRecord, project_pk(who.team, project), service_sk(name, ""), cursor=None, limit=1)
    return bool(found)


def _load_environment(who: Principal, project: str, name: str) -> EnvironmentRecord:
    absent = f"Project {project} has no environment named {name}."
    return load(who.store, EnvironmentRecord, project_pk(who.team, project), f"ENVIRONMENT#{name}", absent)


def _environment(record: EnvironmentRecord) -> Environment:
    version = int(record.version or 0)
    placed, windows = record.cluster, freezes.freezes_of(record)
    return Environment(
        record.project, record.name, _kind(record), record.description, record.created_at, version, windows, placed
    )


def _kind(record: EnvironmentRecord) -> EnvironmentKind:
    return EnvironmentKind(record.kind) if record.kind else kind_of(record.name)
