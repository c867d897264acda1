"""Projects of a team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.principal import Principal
from chalicelib.platform.errors import Conflict
from chalicelib.platform.once import Once
from chalicelib.platform.table import Put, page
from chalicelib.projects.environments import environment_record
from chalicelib.projects.models import EnvironmentRecord, ProjectRecord, ServiceRecord, project_pk, team_pk
from chalicelib.projects.records import create, describe, load, remove

FIRST_ENVIRONMENT = "prod"


@dataclass(frozen=True, slots=True)
class Project:
    """A project of a team."""

    name: str
    description: str
    created_at: datetime
    version: int


def create_project(who: Principal, name: str, *, description: str, now: datetime, once: Once | None) -> Project:
    """A new project with its first environment. Raises Conflict when the name is taken, KeyReused."""
    project = ProjectRecord(team_pk(who.team), f"PROJECT#{name}", name=name, description=description, created_at=now)
    first = environment_record(who.team, name, FIRST_ENVIRONMENT, "", now)
    create([Put(project), Put(first)], made=name, once=once, taken=f"A project named {name} exists already.")
    return get_project(who, name)


def get_project(who: Principal, name: str) -> Project:
    """One project. Raises NotFound."""
    return _project(load(ProjectRecord, team_pk(who.team), f"PROJECT#{name}", f"There is no project named {name}."))


def list_projects(who: Principal, *, cursor: str | None, limit: int) -> tuple[list[Project], str | None]:
    """A page of the team's projects by name."""
    records, after = page(ProjectRecord, team_pk(who.team), "PROJECT#", cursor=cursor, limit=limit)
    return [_project(record) for record in records], after


def describe_project(who: Principal, name: str, *, description: str, version: int) -> Project:
    """Changes the description, if `version` is still the newest. Raises NotFound, StaleVersion."""
    record = load(ProjectRecord, team_pk(who.team), f"PROJECT#{name}", f"There is no project named {name}.")
    return _project(describe(record, description, version))


def delete_project(who: Principal, name: str) -> None:
    """Removes a project and its environments. Raises NotFound, and Conflict while a service is in it."""
    services, _ = page(ServiceRecord, project_pk(who.team, name), "SERVICE#", cursor=None, limit=1)
    if services:
        raise Conflict(f"Project {name} still has services.", remedy="Delete its services first.")
    cursor: str | None = None
    while True:
        found, cursor = page(EnvironmentRecord, project_pk(who.team, name), "ENVIRONMENT#", cursor=cursor, limit=100)
        for environment in found:
            environment.delete(add_version_condition=False)
        if cursor is None:
            break
    remove(ProjectRecord, team_pk(who.team), f"PROJECT#{name}", f"There is no project named {name}.")


def _project(record: ProjectRecord) -> Project:
    return Project(record.name, record.description, record.created_at, int(record.version or 0))
