"""Uploaded source archives."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.builds.models import SOURCE, SourceRecord, source_key, source_pk
from chalicelib.identity.principal import Principal
from chalicelib.platform import once as keys
from chalicelib.platform.errors import Conflict, NotFound, TooLarge
from chalicelib.platform.ids import NewId
from chalicelib.platform.once import Once
from chalicelib.platform.storage import SignedRequest, Storage
from chalicelib.platform.store import Store
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.projects.service import ServiceKey, get_project, get_service


@dataclass(frozen=True, slots=True)
class Source:
    """An archive: its id, its promised SHA-256 (hex) and size (bytes)."""

    id: str
    team: str
    project: str
    sha256: str
    size: int
    created_at: datetime
    only: tuple[str, str] | None = None
    """The environment and the service that it was uploaded for, if for one alone."""

    def refuse_other(self, key: ServiceKey) -> None:
        """Raises Conflict for a service that it was not uploaded for."""
        if self.only not in (None, (key.environment, key.service)):
            remedy = "Upload it for this service, or for no service in particular."
            raise Conflict(f"Source {self.id} was uploaded for another service of the project.", remedy=remedy)

    @property
    def key(self) -> str:
        """Where its bytes are in the bucket."""
        return source_key(self.team, self.id)


@dataclass(frozen=True, slots=True)
class Upload:
    """The request that uploads a source, and until when it is valid."""

    request: SignedRequest
    expires_at: datetime


def create_source(
    who: Principal,
    project: str,
    *,
    sha256: str,
    size: int,
    only: tuple[str, str] | None = None,
    limit: int,
    expiry: int,
    storage: Storage,
    new_id: NewId,
    now: datetime,
    once: Once | None,
) -> tuple[Source, Upload]:
    """Announces an archive and signs its upload; `limit` is bytes, `expiry` seconds. Raises NotFound, TooLarge, KeyReused.

    With `only`, an environment and a service, it is that service's own: no other may deploy it, and it is removed with it.
    """
    if size > limit:
        remedy = "Leave out what the build does not need, in .cygniignore."
        raise TooLarge(f"The archive has {size:,} bytes; the most is {limit:,}.", remedy=remedy)
    if only is None:
        get_project(who, project)
    else:
        get_service(who, ServiceKey(who.team, project, *only))
    source = Source(new_id("src"), who.team, project, sha256, size, now, only)
    record = SourceRecord(
        source_pk(who.team, source.id), SOURCE, id=source.id, project=project, sha256=sha256, size=size, created_at=now
    )
    record.environment, record.service = only or (None, None)
    try:
        who.store.commit([Put(record), *keys.writes(once, source.id)])
    except ConditionFailed:
        made = keys.seen(who.store, once)
        if made is None:
            raise
        source = get_source(who, project, made)
    request = storage.sign_upload(source.key, sha256=source.sha256, size=source.size, seconds=expiry)
    return source, Upload(request, now + timedelta(seconds=expiry))


def get_source(who: Principal, project: str, source: str) -> Source:
    """One source of a project. Raises NotFound."""
    return source_of(who, project, source, who.store.fetch(*source_address(who.team, source)))


def source_address(team: str, source: str) -> tuple[type[SourceRecord], str, str]:
    """Where a source's record is, for a read of several records at once."""
    return SourceRecord, source_pk(team, source), SOURCE


def source_of(who: Principal, project: str, source: str, record: SourceRecord | None) -> Source:
    """The source that a record holds. Raises NotFound when there is none, or it is another project's."""
    if record is None or record.project != project:
        raise NotFound(f"There is no source {source} in project {project}.")
    only = (str(record.environment), str(record.service)) if record.service is not None else None
    return Source(record.id, who.team, record.project, record.sha256, int(record.size), record.created_at, only)


def own_sources(store: Store, key: ServiceKey, sources: Collection[str]) -> list[SourceRecord]:
    """Those of the sources that were uploaded for this service alone."""
    if not sources:
        return []
    found: list[SourceRecord | None] = store.together(*(source_address(key.team, source) for source in sources))
    mine = (key.project, key.environment, key.service)
    return [each for each in found if each is not None and (each.project, each.environment, each.service) == mine]
