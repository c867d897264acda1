"""Removing what deployments of a deleted service were built from and by."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.builds.models import BUILD, BuildRecord, SourceRecord, build_pk, source_key
from chalicelib.builds.runs import build_id_of, log_key, plan_key, result_key
from chalicelib.builds.sources import own_sources
from chalicelib.platform.storage import Storage
from chalicelib.platform.store import Store
from chalicelib.platform.table import Remove, Write
from chalicelib.projects.service import ServiceKey


def forget_builds(store: Store, key: ServiceKey, deployments: Mapping[str, str | None], *, storage: Storage) -> None:
    """Removes builds with plans, results and logs, and the sources that were uploaded for this service alone.

    `deployments` are fifty at most, each with its source. A source that was uploaded for no service in particular may be
    deployed by others too, and stays. The objects go first: while the record is there, whoever does this again finds them.
    """
    built = {build_id_of(deployment): source for deployment, source in deployments.items() if source is not None}
    own = own_sources(store, key, set(built.values()))
    objects = [name(key.team, build) for build in built for name in (plan_key, result_key, log_key)]
    storage.delete([*objects, *(source_key(key.team, source.id) for source in own)])
    writes: list[Write] = [Remove(BuildRecord, build_pk(key.team, build), BUILD) for build in built]
    writes += [Remove(SourceRecord, str(source.pk), str(source.sk)) for source in own]
    if writes:
        store.commit(writes)
