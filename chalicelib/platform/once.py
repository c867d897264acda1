"""Idempotency keys: the same POST twice is done once.

The record of a key is written in the same transaction as what the request creates, so neither exists without the other.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import ClassVar

from pynamodb.attributes import TTLAttribute, UnicodeAttribute

from chalicelib.platform.errors import KeyReused
from chalicelib.platform.frozen import dataclass
from chalicelib.platform.store import Store
from chalicelib.platform.table import Item, Put, Write

KEPT = timedelta(hours=24)
"""How long a key is remembered."""


class KeyRecord(Item):
    """pk `TEAM#<team>#KEY#<hash of operation and key>`, sk `KEY`: what the request with this key made."""

    class Meta:
        """Where it lives."""

        table_name = "cygni-idempotency"

    digest = UnicodeAttribute()
    made = UnicodeAttribute()
    expires_at = TTLAttribute()


@dataclass(frozen=True, slots=True)
class Once:
    """One request that carries an Idempotency-Key. `owner` begins its record's key; `digest` is a hash of its path and body."""

    owner: str
    operation: str
    key: str
    digest: str
    now: datetime

    SORT_KEY: ClassVar[str] = "KEY"

    @property
    def pk(self) -> str:
        """Partition key of the key's record."""
        return f"{self.owner}#KEY#" + hashlib.sha256(f"{self.operation}\0{self.key}".encode()).hexdigest()[:32]

    def writes(self, made: str) -> list[Write]:
        """The write that remembers what the request made; it fails when the key is known."""
        record = KeyRecord(self.pk, self.SORT_KEY, digest=self.digest, made=made, expires_at=self.now + KEPT)
        return [Put(record, KeyRecord.pk.does_not_exist())]

    def made(self, store: Store) -> str | None:
        """What the first request with this key made; None when the key is new. Raises KeyReused when that request differed."""
        record = store.fetch(KeyRecord, self.pk, self.SORT_KEY)
        if record is None:
            return None
        if record.digest != self.digest:
            raise KeyReused("This Idempotency-Key was used for a different request.")
        return str(record.made)


def writes(once: Once | None, made: str) -> list[Write]:
    """The writes that remember `made` for a request that carries a key; none for one that does not."""
    return once.writes(made) if once else []


def seen(store: Store, once: Once | None) -> str | None:
    """What an earlier request with the same key made, if any."""
    return once.made(store) if once else None
