"""Environments of a project."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.principal import Principal
from chalicelib.platform.errors import Conflict
from chalicelib.platform.once import Once
from chalicelib.platform.table import Check, Put, page
from chalicelib.projects.models import EnvironmentRecord, ProjectRecord, ServiceRecord, project_pk, service_sk, team_pk
from chalicelib.projects.records import create, describe, load, remove


@dataclass(frozen=True, slots=True)
class Environment:
    """An environment of a project."""

    project: str
    name: str
    description: str
    created_at: datetime
    version: int


def create_environment(
    who: Principal, project: str, name: str, *, description: str, now: datetime, once: Once | None
) -> Environment:
    """A new environment. Raises NotFound without its project, Conflict when the name is taken, KeyReused."""
    record = environment_record(who.team, project, name, description, now)
    parent = Check(ProjectRecord, team_pk(who.team), f"PROJECT#{project}")
    taken = f"Project {project} has an environment named {name} already."
    create([Put(record), parent], made=name, once=once, taken=taken, absent=f"There is no project named {project}.")
    return get_environment(who, project, name)


def get_environment(who: Principal, project: str, name: str) -> Environment:
    """One environment. Raises NotFound."""
    return _environment(_load_environment(who, project, name))


def list_environments(who: Principal, project: str, *, cursor: str | None, limit: int) -> tuple[list[Environment], str | None]:
    """A page of a project's environments by name. Raises NotFound without the project."""
    records, after = page(EnvironmentRecord, project_pk(who.team, project), "ENVIRONMENT#", cursor=cursor, limit=limit)
    if not records and cursor is None:
        load(ProjectRecord, team_pk(who.team), f"PROJECT#{project}", f"There is no project named {project}.")
    return [_environment(record) for record in records], after


def describe_environment(who: Principal, project: str, name: str, *, description: str, version: int) -> Environment:
    """Changes the description, if `version` is still the newest. Raises NotFound, StaleVersion."""
    return _environment(describe(_load_environment(who, project, name), description, version))


def delete_environment(who: Principal, project: str, name: str) -> None:
    """Removes an environment. Raises NotFound, and Conflict while a service is in it."""
    services, _ = page(ServiceRecord, project_pk(who.team, project), service_sk(name, ""), cursor=None, limit=1)
    if services:
        raise Conflict(f"Environment {name} still has services.", remedy="Delete its services first.")
    absent = f"Project {project} has no environment named {name}."
    remove(EnvironmentRecord, project_pk(who.team, project), f"ENVIRONMENT#{name}", absent)


def environment_record(team: str, project: str, name: str, description: str, now: datetime) -> EnvironmentRecord:
    """An environment's record, not yet saved."""
    return EnvironmentRecord(
        project_pk(team, project), f"ENVIRONMENT#{name}", project=project, name=name, description=description, created_at=now
    )


def _load_environment(who: Principal, project: str, name: str) -> EnvironmentRecord:
    absent = f"Project {project} has no environment named {name}."
    return load(EnvironmentRecord, project_pk(who.team, project), f"ENVIRONMENT#{name}", absent)


def _environment(record: EnvironmentRecord) -> Environment:
    return Environment(record.project, record.name, record.description, record.created_at, int(record.version or 0))
