"""Projects of a team."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.service import Principal, give_back, room_for
from chalicelib.platform.errors import Conflict
from chalicelib.platform.once import Once
from chalicelib.platform.settings import Settings
from chalicelib.platform.table import Put
from chalicelib.projects.environments import environment_record, removals
from chalicelib.projects.models import EnvironmentRecord, ProjectRecord, ServiceRecord, project_pk, team_pk
from chalicelib.projects.records import create, describe, load, remove
from chalicelib.projects.rules import EnvironmentKind

FIRST_ENVIRONMENT = "prod"


@dataclass(frozen=True, slots=True)
class Project:
    """A project of a team."""

    name: str
    description: str
    created_at: datetime
    version: int


def create_project(
    who: Principal, name: str, *, description: str, settings: Settings, now: datetime, once: Once | None
) -> Project:
    """A new project with its first environment. Raises Conflict when the name is taken, QuotaExceeded, KeyReused."""
    project = ProjectRecord(team_pk(who.team), f"PROJECT#{name}", name=name, description=description, created_at=now)
    first = environment_record(who.team, name, FIRST_ENVIRONMENT, EnvironmentKind.PRODUCTION, "", now)
    taken = f"A project named {name} exists already."
    room = room_for(who.team, settings, projects=1)
    new = create(who.store, [Put(project), Put(first)], room=room, made=name, once=once, taken=taken)
    return _project(project) if new else get_project(who, name)


def get_project(who: Principal, name: str) -> Project:
    """One project. Raises NotFound."""
    return _project(load(who.store, ProjectRecord, team_pk(who.team), f"PROJECT#{name}", f"There is no project named {name}."))


def list_projects(who: Principal, *, cursor: str | None, limit: int) -> tuple[list[Project], str | None]:
    """A page of the team's projects by name."""
    records, after = who.store.page(ProjectRecord, team_pk(who.team), "PROJECT#", cursor=cursor, limit=limit)
    return [_project(record) for record in records if who.sees(record.name)], after


def describe_project(who: Principal, name: str, *, description: str, version: int) -> Project:
    """Changes the description, if `version` is still the newest. Raises NotFound, StaleVersion."""
    record = load(who.store, ProjectRecord, team_pk(who.team), f"PROJECT#{name}", f"There is no project named {name}.")
    return _project(describe(who.store, record, description, version))


def delete_project(who: Principal, name: str) -> None:
    """Removes a project and its environments. Raises NotFound, and Conflict while a service is in it."""
    services, _ = who.store.page(ServiceRecord, project_pk(who.team, name), "SERVICE#", cursor=None, limit=1)
    if services:
        raise Conflict(f"Project {name} still has services.", remedy="Delete its services first.")
    cursor: str | None = None
    while True:
        found, cursor = who.store.page(EnvironmentRecord, project_pk(who.team, name), "ENVIRONMENT#", cursor=cursor, limit=90)
        if found:
            who.store.commit(removals(who.team, found))
        if cursor is None:
            break
    absent = f"There is no project named {name}."
    remove(who.store, ProjectRecord, team_pk(who.team), f"PROJECT#{name}", absent, [give_back(who.team, projects=1)])


def _project(record: ProjectRecord) -> Project:
    return Project(record.name, record.description, record.created_at, int(record.version or 0))
