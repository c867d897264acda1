"""Uploaded source archives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.builds.models import SOURCE, SourceRecord, source_pk
from chalicelib.identity.principal import Principal
from chalicelib.platform import once as keys
from chalicelib.platform.errors import NotFound, TooLarge
from chalicelib.platform.ids import NewId
from chalicelib.platform.once import Once
from chalicelib.platform.storage import SignedRequest, Storage
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.projects.service import get_project


@dataclass(frozen=True, slots=True)
class Source:
    """An archive: its id, its promised SHA-256 (hex) and size (bytes)."""

    id: str
    team: str
    project: str
    sha256: str
    size: int
    created_at: datetime

    @property
    def key(self) -> str:
        """Where its bytes are in the bucket."""
        return f"{self.team}/sources/{self.id}.tar.gz"


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
    limit: int,
    expiry: int,
    storage: Storage,
    new_id: NewId,
    now: datetime,
    once: Once | None,
) -> tuple[Source, Upload]:
    """Announces an archive and signs its upload; `limit` is bytes, `expiry` seconds. Raises NotFound, TooLarge, KeyReused."""
    if size > limit:
        remedy = "Leave out what the build does not need, in .cygniignore."
        raise TooLarge(f"The archive has {size:,} bytes; the most is {limit:,}.", remedy=remedy)
    get_project(who, project)
    source = Source(new_id("src"), who.team, project, sha256, size, now)
    record = SourceRecord(
        source_pk(who.team, source.id), SOURCE, id=source.id, project=project, sha256=sha256, size=size, created_at=now
    )
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
    return Source(record.id, who.team, record.project, record.sha256, int(record.size), record.created_at)
