"""Releases: what ran, so that it can run again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from chalicelib.deployments.models import DeploymentRecord, ReleaseRecord, release_sk, releases_pk
from chalicelib.identity.principal import Principal
from chalicelib.platform.errors import NotFound
from chalicelib.platform.store import team_store
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.projects.service import ServiceKey, ServiceSpec, get_config_version, get_service, service_address
from chalicelib.runtime.rules import Target, Workload, size_of


@dataclass(frozen=True, slots=True)
class Release:
    """One record of the whole: image by digest, start command where it overrides the image's, config version, spec.

    `replicas` is the number of instances that its CygniService named last, None when none did.
    """

    number: int
    deployment: str
    image: str
    command: tuple[str, ...] | None
    config_version: int
    spec: ServiceSpec
    created_at: datetime
    replicas: int | None = None

    @property
    def size(self) -> int | None:
        """The number of instances that is asked for; None where load decides."""
        return size_of(self.spec.scale, self.replicas)


def target_of(key: ServiceKey) -> Target:
    """The service as a cluster knows it."""
    return Target(key.team, key.project, key.environment, key.service)


def get_release(who: Principal, key: ServiceKey, number: int) -> Release:
    """One release. Raises NotFound."""
    bound = ServiceKey(who.team, key.project, key.environment, key.service)
    record = who.store.fetch(ReleaseRecord, releases_pk(bound), release_sk(number))
    if record is None:
        raise _no_release(key, number)
    return _release(record)


def show_release(who: Principal, key: ServiceKey, number: int) -> tuple[Release, bool]:
    """One release and whether it is the live one, both of one moment. Raises NotFound."""
    bound = ServiceKey(who.team, key.project, key.environment, key.service)
    wanted = service_address(bound), (ReleaseRecord, releases_pk(bound), release_sk(number))
    service, record = who.store.together(*wanted)
    if service is None or record is None:
        raise _no_release(key, number)
    return _release(record), number == service.live


def list_releases(who: Principal, key: ServiceKey, *, cursor: str | None, limit: int) -> tuple[list[Release], str | None]:
    """A page of a service's releases, newest first. Raises NotFound without the service."""
    records, after = who.store.page(ReleaseRecord, releases_pk(key), "RELEASE#", cursor=cursor, limit=limit, newest_first=True)
    if not records and cursor is None:
        get_service(who, key)
    return [_release(record) for record in records], after


def find_release(key: ServiceKey, number: int) -> Release | None:
    """One release, or None: for a workflow, which acts for the service's team."""
    record = team_store(key.team).fetch(ReleaseRecord, releases_pk(key), release_sk(number))
    return None if record is None else _release(record)


def stored_release(key: ServiceKey, number: int) -> Release:
    """The same of one that must be there. Raises NotFound."""
    release = find_release(key, number)
    if release is None:
        raise NotFound(f"There is no release {number} of {key}.")
    return release


def keep_release(deployment: DeploymentRecord, release: Release) -> None:
    """Records what a deployment releases. Keeping it twice is keeping it once."""
    record = release_record(deployment.key, release)
    try:
        team_store(deployment.team).commit([Put(record)])
    except ConditionFailed:
        if find_release(deployment.key, release.number) is None:
            raise


def release_record(key: ServiceKey, release: Release) -> ReleaseRecord:
    """The record of a release."""
    return ReleaseRecord(
        releases_pk(key),
        release_sk(release.number),
        number=release.number,
        deployment=release.deployment,
        image=release.image,
        command=list(release.command) if release.command else None,
        config_version=release.config_version,
        spec=release.spec.model_dump(mode="json", by_alias=True),
        created_at=release.created_at,
        replicas=release.replicas,
    )


def keep_size(who: Principal, key: ServiceKey, number: int, replicas: int) -> None:
    """Records the number of instances that a release has been scaled to, so that it is what a repair brings back."""
    record = who.store.fetch(ReleaseRecord, releases_pk(key), release_sk(number))
    if record is not None:
        record.replicas = replicas
        who.store.commit([Put(record)])


def workload_of(key: ServiceKey, release: Release) -> Workload:
    """The release with its config, ready for the cluster."""
    config = get_config_version(key, release.config_version)
    return Workload(
        target=target_of(key),
        number=release.number,
        image=release.image,
        command=release.command,
        spec=release.spec,
        config=config.values,
        replicas=release.spec.scale.min if release.replicas is None else release.replicas,
    )


def _no_release(key: ServiceKey, number: int) -> NotFound:
    return NotFound(f"Service {key.service} has no release {number}.", remedy="`cygni releases` lists those there are.")


def _release(record: ReleaseRecord) -> Release:
    return Release(
        int(record.number),
        record.deployment,
        record.image,
        tuple(record.command) if record.command else None,
        int(record.config_version),
        ServiceSpec.model_validate(record.spec),
        record.created_at,
        None if record.replicas is None else int(record.replicas),
    )
