"""Services of an environment, each with its lane."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from chalicelib.identity.service import Principal, give_back, room_for
from chalicelib.platform.across import keys_in_index
from chalicelib.platform.once import Once
from chalicelib.platform.settings import Settings
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Check, ConditionFailed, Put, Remove, Write, unpack
from chalicelib.projects.environments import get_environment
from chalicelib.projects.models import ACTIVE, ActiveIndex, EnvironmentRecord, ServiceRecord, project_pk, service_sk
from chalicelib.projects.names import ServiceKey
from chalicelib.projects.records import create, describe, load
from chalicelib.projects.rules import Lane


@dataclass(frozen=True, slots=True)
class Service:
    """A service of an environment. `record` is what a change of its lane is saved through; callers leave it alone."""

    key: ServiceKey
    description: str
    lane: Lane
    deleting: bool
    created_at: datetime
    version: int
    record: ServiceRecord

    @classmethod
    def from_record(cls, record: ServiceRecord) -> Service:
        """The service that a record holds."""
        version = int(record.version or 0)
        return cls(record.key, record.description, record.lane, bool(record.deleting), record.created_at, version, record)


def create_service(
    who: Principal, key: ServiceKey, *, description: str, settings: Settings, now: datetime, once: Once | None
) -> Service:
    """A new service. Raises NotFound without its environment, Conflict when the name is taken, QuotaExceeded, KeyReused."""
    record = ServiceRecord(
        project_pk(who.team, key.project),
        service_sk(key.environment, key.service),
        team=who.team,
        project=key.project,
        environment=key.environment,
        name=key.service,
        description=description,
        created_at=now,
    )
    parent = Check(EnvironmentRecord, project_pk(who.team, key.project), f"ENVIRONMENT#{key.environment}")
    taken = f"Environment {key.environment} has a service named {key.service} already."
    absent = f"Project {key.project} has no environment named {key.environment}."
    room = room_for(who.team, settings, services=1)
    new = create(who.store, [Put(record), parent], room=room, made=key.service, once=once, taken=taken, absent=absent)
    return Service.from_record(record) if new else get_service(who, key)


def get_service(who: Principal, key: ServiceKey) -> Service:
    """One service with its lane. Raises NotFound."""
    return Service.from_record(_load_service(who, key))


def list_services(
    who: Principal, project: str, environment: str, *, cursor: str | None, limit: int
) -> tuple[list[Service], str | None]:
    """A page of an environment's services by name. Raises NotFound without the environment."""
    pk = project_pk(who.team, project)
    records, after = who.store.page(ServiceRecord, pk, service_sk(environment, ""), cursor=cursor, limit=limit)
    if not records and cursor is None:
        get_environment(who, project, environment)
    return [Service.from_record(record) for record in records], after


def describe_service(who: Principal, key: ServiceKey, *, description: str, version: int) -> Service:
    """Changes the description, if `version` is still the newest. Raises NotFound, StaleVersion."""
    return Service.from_record(describe(who.store, _load_service(who, key), description, version))


def mark_deleting(who: Principal, key: ServiceKey) -> Service:
    """Closes a service's lane: nothing new is deployed to it. Raises NotFound, and ConditionFailed when somebody was first."""
    record = _load_service(who, key)
    if not record.deleting:
        record.take(replace(record.lane, closed=True))
        who.store.commit([Put(record)])
    return Service.from_record(record)


def forget_service(key: ServiceKey) -> None:
    """Removes the record of a service whose instances are gone, and gives its room back, once. Absent is no error."""
    gone = Remove(*service_address(key), ServiceRecord.pk.exists())
    try:
        team_store(key.team).commit([gone, give_back(key.team, services=1)])
    except ConditionFailed as lost:
        if 0 not in lost.failed:
            raise


def _load_service(who: Principal, key: ServiceKey) -> ServiceRecord:
    absent = f"Environment {key.environment} of {key.project} has no service named {key.service}."
    return load(who.store, ServiceRecord, project_pk(who.team, key.project), service_sk(key.environment, key.service), absent)


def service_address(key: ServiceKey) -> tuple[type[ServiceRecord], str, str]:
    """Where a service's record is, for a read of several records at once."""
    return ServiceRecord, project_pk(key.team, key.project), service_sk(key.environment, key.service)


def lane_write(service: Service, lane: Lane) -> Write:
    """The write that saves a lane, if nobody changed the service meanwhile; for the caller's own commit."""
    service.record.take(lane)
    return Put(service.record)


def held_service(key: ServiceKey) -> Service | None:
    """A service as it is now; a write of its lane through this is refused when anybody has written it since."""
    record = team_store(key.team).fetch(*service_address(key))
    return None if record is None else Service.from_record(record)


def change_held_lane(service: Service | None, change: Callable[[Lane], Lane]) -> None:
    """Applies a rule to the lane of a service that was read before. Raises ConditionFailed when it was written since."""
    if service is not None and (after := change(service.lane)) != service.lane:
        team_store(service.key.team).commit([lane_write(service, after)])


def update_lane(key: ServiceKey, change: Callable[[Lane], Lane], *, always: bool = False) -> Lane:
    """Applies a rule to the lane of a service and saves what came of it. Raises LostRace when someone else was first.

    `always` saves also what is as it was: whoever read it before may not write it any more. A service that is gone keeps an
    empty lane.
    """
    service = held_service(key)
    if service is None:
        return Lane()
    after = change(service.lane)
    if after != service.lane or always:
        team_store(key.team).commit([lane_write(service, after)])
    return after


def busy_services() -> Iterator[tuple[ServiceKey, Lane]]:
    """Every service with a deployment under way, or being deleted, with its lane, of all teams: for the sweep only.

    What it says may be a moment old.
    """
    for raw in keys_in_index(ServiceRecord, ActiveIndex.Meta.index_name, ACTIVE):
        record = unpack(ServiceRecord, raw)
        yield record.key, record.lane


def get_lane(key: ServiceKey) -> Lane:
    """The lane of a service, for a workflow that acts on its own; a service that is gone has an empty one."""
    service = held_service(key)
    return service.lane if service is not None else Lane()
