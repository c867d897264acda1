"""A service's config variables. Each change makes a version that never changes again, so that a release can name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from chalicelib.identity.principal import Principal
from chalicelib.platform.clearing import clear
from chalicelib.platform.errors import InvalidInput, NotFound, StaleVersion
from chalicelib.platform.store import Store, team_store
from chalicelib.platform.table import ConditionFailed, Put
from chalicelib.projects.models import ConfigRecord, ServiceRecord, config_pk
from chalicelib.projects.names import ServiceKey
from chalicelib.projects.services import service_address

HEAD = "HEAD"
LARGEST = 64 * 1024
"""Bytes that all variables of a service may have together: a Secret's own limit is 1 MiB, a record's 400 KB."""


@dataclass(frozen=True, slots=True)
class ConfigVersion:
    """The variables of one version; version 0 has none."""

    number: int
    values: Mapping[str, str]
    changed_at: datetime | None

    def __repr__(self) -> str:
        return f"ConfigVersion(number={self.number}, {len(self.values)} variables)"


NONE = ConfigVersion(0, {}, None)


def config_address(key: ServiceKey) -> tuple[type[ConfigRecord], str, str]:
    """Where a service's newest config is, for a read of several records at once."""
    return ConfigRecord, config_pk(key), HEAD


def get_config(who: Principal, key: ServiceKey) -> ConfigVersion:
    """The newest config of a service. Raises NotFound without the service."""
    return _load(who, key)[1]


def get_config_version(key: ServiceKey, number: int) -> ConfigVersion:
    """The config of one version. Raises NotFound."""
    if number == 0:
        return NONE
    record = team_store(key.team).fetch(ConfigRecord, config_pk(key), f"VERSION#{number:06d}")
    if record is None:
        raise NotFound(f"There is no version {number} of the config of {key}.")
    return _version(record)


def change_config(
    who: Principal, key: ServiceKey, *, values: Mapping[str, str], unset: Sequence[str], version: int | None, now: datetime
) -> ConfigVersion:
    """Sets and removes variables; a change that changes nothing makes no version.

    `version`, where given, must still be the newest. Raises NotFound, StaleVersion, InvalidInput over the size limit.
    """
    head, before = _load(who, key)
    if version is not None and version != before.number:
        raise StaleVersion(f"The newest version is {before.number}, not {version}.")
    merged = {name: value for name, value in {**before.values, **values}.items() if name not in unset}
    if merged == before.values:
        return before
    if sum(len(name) + len(value.encode()) for name, value in merged.items()) > LARGEST:
        raise InvalidInput(
            "The variables of a service may have 64 KiB together.", remedy="Keep large values in a file or a store."
        )
    number = before.number + 1
    if head is None:
        head = ConfigRecord(config_pk(key), HEAD)
    head.number, head.values, head.changed_at = number, merged, now
    kept = ConfigRecord(config_pk(key), f"VERSION#{number:06d}", number=number, values=merged, changed_at=now)
    try:
        who.store.commit([Put(head), Put(kept)])
    except ConditionFailed as lost:
        raise StaleVersion("The config was changed at the same moment.") from lost
    return ConfigVersion(number, merged, now)


def forget_config(store: Store, key: ServiceKey, *, more: Callable[[], bool]) -> bool:
    """Removes all versions of a removed service's config; False when `more` said stop before. Twice is no error."""
    versions = clear(store, ConfigRecord, config_pk(key), "VERSION#", more=more)
    return versions and clear(store, ConfigRecord, config_pk(key), HEAD, more=more)


def _load(who: Principal, key: ServiceKey) -> tuple[ConfigRecord | None, ConfigVersion]:
    service: ServiceRecord | None
    head: ConfigRecord | None
    service, head = who.store.together(service_address(key), config_address(key))
    if service is None:
        raise NotFound(f"There is no service {key}.")
    return head, _version(head) if head else NONE


def _version(record: ConfigRecord) -> ConfigVersion:
    return ConfigVersion(int(record.number), record.values, record.changed_at)
