"""Deployments that a CygniService asks for: started once for each generation, through the same lane as everybody's.

The release is written with the deployment, in the commit that takes its place in the lane and notes the generation. So what
the workflow finds is a deployment of a release that exists, as after a rollback, and no step of it knows where it came from.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pynamodb.attributes import BooleanAttribute, NumberAttribute, UnicodeAttribute

from chalicelib.deployments.lifecycle import TRIES, get_deployment, new_record, start_workflow, supersede
from chalicelib.deployments.models import DeploymentRecord
from chalicelib.deployments.releases import Release, release_record
from chalicelib.deployments.states import State
from chalicelib.identity.principal import Principal
from chalicelib.platform.errors import Conflict, LostRace, NotFound
from chalicelib.platform.ids import NewId
from chalicelib.platform.table import ConditionFailed, Place, Put, Record, Remove, Write
from chalicelib.platform.workflows import Workflows
from chalicelib.projects.service import (
    Service,
    ServiceKey,
    config_address,
    enter,
    environment_address,
    freezes_of,
    frozen,
    frozen_by,
    lane_write,
    service_address,
)
from chalicelib.runtime.declared import Wanted

KEPT_RETRIES = 20
"""Values of a retry annotation that are remembered."""


class DeclaredRecord(Record):
    """The newest spec of a CygniService that was taken up: pk `TEAM#<t>#DECLARED#<p>#<e>`, sk the service."""

    uid = UnicodeAttribute()
    generation = NumberAttribute()
    digest = UnicodeAttribute()
    deployment = UnicodeAttribute()
    created = BooleanAttribute(default=False)
    retries = UnicodeAttribute(default="")

    def known_retries(self) -> tuple[str, ...]:
        """What stands for the newest values of the retry annotation, oldest first."""
        return tuple(str(self.retries or "").split())

    def remember(self, retry: str) -> None:
        """Keeps a value's stand-in with the newest ones."""
        if retry and retry not in self.known_retries():
            self.retries = " ".join((*self.known_retries(), retry)[-KEPT_RETRIES:])


def declared_address(key: ServiceKey) -> tuple[type[DeclaredRecord], str, str]:
    """Where it is noted what a CygniService asked for last."""
    return DeclaredRecord, f"TEAM#{key.team}#DECLARED#{key.project}#{key.environment}", key.service


def start_declared(
    who: Principal,
    key: ServiceKey,
    wanted: Wanted,
    *,
    uid: str,
    generation: int,
    retry: str = "",
    created: bool,
    workflows: Workflows,
    new_id: NewId,
    now: datetime,
) -> DeploymentRecord:
    """The deployment of this generation: a new one, or the one it started before. Raises NotFound, Conflict, LostRace.

    `retry` stands for a value of the annotation that asks for another attempt; each starts one. `created` says that the service
    was made for it.
    """
    for _ in range(TRIES):
        try:
            record, begins = _enter(who, key, wanted, new_id("dep"), (uid, generation, retry), created=created, now=now)
            break
        except ConditionFailed:
            continue
    else:
        raise LostRace("Too many deployments of this service were created at the same moment.")
    if begins and not record.ended:
        start_workflow(record, workflows)
    return record


def adopt_generation(who: Principal, key: ServiceKey, *, uid: str, generation: int, retry: str = "") -> None:
    """Notes that a generation, and its retry annotation, ask for what was taken up already."""
    note = who.store.aside().fetch(*declared_address(key))
    if note is None:
        return
    before = (note.uid, int(note.generation), note.known_retries())
    note.uid, note.generation = uid, generation
    note.remember(retry)
    if (note.uid, int(note.generation), note.known_retries()) != before:
        who.store.aside().commit([Put(note)])


def _taken_up(note: DeclaredRecord, generation: int, retry: str) -> bool:
    """Whether a deployment was started for this generation, or a newer one, and for this attempt of it."""
    newer = int(note.generation) > generation
    return newer or (int(note.generation) == generation and (not retry or retry in note.known_retries()))


def forget_declared(who: Principal, key: ServiceKey) -> None:
    """Forgets what a CygniService asked for. Forgetting twice is no error."""
    who.store.commit([Remove(*declared_address(key))])


def _enter(
    who: Principal, key: ServiceKey, wanted: Wanted, new: str, asked: tuple[str, int, str], *, created: bool, now: datetime
) -> tuple[DeploymentRecord, bool]:
    uid, generation, retry = asked
    frozen_at = environment_address(key.team, key.project, key.environment)
    addresses: list[Place[Any]] = [service_address(key), config_address(key), declared_address(key), frozen_at]
    service_record, head, note, environment = who.store.together(*addresses)
    if service_record is None:
        raise NotFound(f"There is no service {key}.")
    service = Service.from_record(service_record)
    if note is not None and note.uid == uid and _taken_up(note, generation, retry):
        return get_deployment(who, key, note.deployment), service.lane.active == note.deployment
    if service.deleting:
        raise Conflict(f"Service {key.service} is being deleted.", remedy="Wait until it is gone.")
    freeze = frozen_by(freezes_of(environment), now) if environment is not None else None
    if freeze is not None:
        raise frozen(freeze, key.environment)
    entered = enter(service.lane, new)
    record = new_record(who, key, new, service.lane, entered, kind="deploy", state=State.QUEUED, now=now)
    record.copies, record.image = entered.number, wanted.image
    record.config_version = int(head.number) if head is not None and wanted.with_config else 0
    record.message = f"Generation {generation} of CygniService {key.service}"
    record.tell(now, "queued", f"Release {entered.number} is asked for by generation {generation} of its object.", who.subject)
    if not entered.begins:
        record.tell(now, "waiting", f"It begins when {service.lane.active} has ended.")
    version = int(record.config_version)
    release = Release(entered.number, new, wanted.image, wanted.command, version, wanted.spec, now, wanted.replicas)
    if note is None:
        note = DeclaredRecord(*declared_address(key)[1:], created=created)
    note.uid, note.generation, note.digest, note.deployment = uid, generation, wanted.digest, new
    note.remember(retry)
    writes: list[Write] = [Put(record), Put(release_record(key, release)), lane_write(service, entered.lane), Put(note)]
    if entered.superseded is not None:
        writes.extend(supersede(who, key, entered.superseded, new, now))
    who.store.commit(writes)
    return record, entered.begins
