"""One run over one shard of a cluster: hear what changed, note it durably, then work on what is noted.

1. What changed is asked for by kind, from the version up to which the last run heard; objects that rest cost nothing.
2. What was heard is noted before the version is moved on, so that a run that dies loses nothing and one that is heard twice
   does no harm. A note goes when its object was worked on, unless it was noted anew meanwhile.
3. When the cluster has forgotten that version, objects are listed once, page by page, and no page is kept.
4. What a run has no time for stays noted for the next one, which begins its work at another note; a list that takes half of a
   run's time is left there, and listed anew when some of it was worked on.
5. Notes are written one by one: nothing rests on several at once, and a transaction would ask a partition for more units in a
   second than it has (docs/scaling.md).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute

from chalicelib.deployments.reconciling import Hands, reconcile
from chalicelib.deployments.reporting import settled
from chalicelib.platform.errors import LostRace, Throttled
from chalicelib.platform.kubeport import Json
from chalicelib.platform.kubewatch import Changes, Forgotten, WatchedCluster
from chalicelib.platform.logs import log
from chalicelib.platform.store import Store
from chalicelib.platform.table import TABLE, ConditionFailed, Item, Put, Remove, Write
from chalicelib.runtime.drift import WATCHED, touched_by_others
from chalicelib.runtime.rules import SERVICE_LABEL

KIND = "CygniService"
PAGE = 250
KINDS = (KIND, *WATCHED)
"""What is looked at in each run."""
AT_ONCE = 10
"""Looks side by side: all of them, since each only waits, for the server's bookmark, and the function is paid for meanwhile."""
MOST_NOTES = 2000
"""How many notes a run reads, more than it has the time for: its memory does not grow with what changed at once."""
_OWNED = {"app.kubernetes.io/managed-by": "cygni"}
_NAMESPACE_WIDE = frozenset({"NetworkPolicy", "ResourceQuota", "LimitRange"})


class _Kept(Item):
    class Meta:
        """Where it lives."""

        table_name = TABLE


class HeardRecord(_Kept):
    """Up to which version a shard has heard of each kind: pk `CLUSTER#<cluster>#<shard>`, sk `HEARD`."""

    versions = JSONAttribute()


class NoteRecord(_Kept):
    """An object to work on: the same pk, sk `NOTE#<namespace>/<name>`. `stamp` tells a note from a newer one."""

    stamp = UnicodeAttribute()
    drift = BooleanAttribute(default=False)


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a cluster's namespaces: those whose hash leaves `index` when divided by `of`."""

    cluster: str
    index: int = 0
    of: int = 1

    @property
    def pk(self) -> str:
        """The partition of what is kept of it."""
        return f"CLUSTER#{self.cluster}#{self.index}-{self.of}"

    def has(self, namespace: str) -> bool:
        """Whether a namespace belongs to it."""
        return zlib.crc32(namespace.encode()) % self.of == self.index


@dataclass(frozen=True, slots=True)
class Run:
    """What a run did: objects noted and worked on, and how many stay noted."""

    noted: int
    worked: int
    left: int


_Noted = tuple[str, str, bool]
"""Namespace, name, and whether to look for drift. A name of "" stands for all objects of the namespace."""


def run(hands: Hands, shard: Shard, *, until: datetime) -> Run:
    """Hears, notes and works until all is done or the time is over. Raises Transient when the cluster does not answer."""
    store = Store((f"CLUSTER#{shard.cluster}",))
    now = hands.clock()
    noted = _hear(hands, store, shard, now + (until - now) / 2)
    worked, left = _work(hands, store, shard, until)
    return Run(noted, worked, left)


def _hear(hands: Hands, store: Store, shard: Shard, until: datetime) -> int:
    cluster, now = hands.cluster, hands.clock()
    heard = store.fetch(HeardRecord, shard.pk, "HEARD")
    before: dict[str, str] = dict(heard.versions) if heard is not None else {}
    with ThreadPoolExecutor(AT_ONCE) as pool:  # a look waits for the server's bookmark
        looks = list(pool.map(lambda kind: _look(cluster, kind, before.get(kind, "")), KINDS))
    count, after = 0, {}
    for kind, look in zip(KINDS, looks, strict=True):
        if look is not None:
            found: Iterator[_Noted] = (each for change in look.items if (each := _noted(kind, change.object)) is not None)
            after[kind] = look.version
        else:
            versions: list[str] = []
            found = _listed(cluster, kind, versions, lambda: hands.clock() < until)
        count += _note(store, shard, found, now)
        if look is None and versions[0]:
            after[kind] = versions[0]
    if after != before:
        store.commit([Put(HeardRecord(shard.pk, "HEARD", versions=after))])
    return count


def _look(cluster: WatchedCluster, kind: str, since: str) -> Changes | None:
    """What changed of a kind; None when that cannot be told and all must be listed."""
    if not since:
        return None
    try:
        return cluster.changes(kind, {} if kind == KIND else _OWNED, since)
    except Forgotten:
        return None


def _noted(kind: str, obj: Json) -> _Noted | None:
    meta = obj["metadata"]
    if kind == KIND:
        return meta["namespace"], meta["name"], False
    service = (meta.get("labels") or {}).get(SERVICE_LABEL, "")
    return (meta["namespace"], service, True) if service or kind in _NAMESPACE_WIDE else None


def _listed(cluster: WatchedCluster, kind: str, versions: list[str], in_time: Callable[[], bool]) -> Iterator[_Noted]:
    """Of all objects of a kind those that ask for work; the list's version is put into `versions`, "" when it was left."""
    after, again = "", 0
    while True:
        if not in_time():
            versions[:] = [""]
            return
        try:
            page = cluster.page(kind, {} if kind == KIND else _OWNED, limit=PAGE, after=after)
        except Forgotten:
            if (again := again + 1) > 2:
                raise LostRace(f"The list of {kind} is forgotten sooner than it is read.") from None
            after, versions[:] = "", []
            continue
        versions[:] = versions or [page.version]
        for obj in page.items:
            found = _noted(kind, obj)
            due = not settled(obj) if kind == KIND else touched_by_others(obj)
            if found is not None and due:
                yield found
        if not page.after:
            return
        after = page.after


def _note(store: Store, shard: Shard, found: Iterable[_Noted], now: datetime) -> int:
    """Notes each object once; one that is noted for drift stays so."""
    seen: dict[tuple[str, str], bool] = {}
    count = 0
    for namespace, name, drift in found:
        if shard.has(namespace):
            seen[namespace, name] = seen.get((namespace, name), False) or drift
        if len(seen) >= PAGE:
            count += _flush(store, shard, seen, now)
    return count + _flush(store, shard, seen, now)


def _flush(store: Store, shard: Shard, seen: dict[tuple[str, str], bool], now: datetime) -> int:
    writes: list[Write] = [
        Put(NoteRecord(shard.pk, f"NOTE#{namespace}/{name}{'#drift' if drift else ''}", stamp=now.isoformat(), drift=drift))
        for (namespace, name), drift in seen.items()
    ]
    for write in writes:
        store.commit([write])
    seen.clear()
    return len(writes)


def _work(hands: Hands, store: Store, shard: Shard, until: datetime) -> tuple[int, int]:
    """Works on what was noted when the run began, as far as it is read; answers how much was done and how much is left."""
    worked = left = 0
    notes = list(islice(store.every(NoteRecord, shard.pk, "NOTE#"), MOST_NOTES))
    first = int(hands.clock().timestamp()) % len(notes) if notes else 0
    for note in notes[first:] + notes[:first]:
        if hands.clock() >= until:
            left += 1
            continue
        left += _work_on(hands, store, note)
        worked += 1
    return worked, left


def _work_on(hands: Hands, store: Store, note: NoteRecord) -> int:
    """Works on one note; 1 if it stays. What fails is logged and stays: one object holds up no other."""
    namespace, _, name = str(note.sk).removeprefix("NOTE#").removesuffix("#drift").partition("/")
    try:
        names = [name] if name else [each["metadata"]["name"] for each in hands.cluster.list(KIND, namespace, {})]
        again = [_one(hands, namespace, each, drift=bool(note.drift)) for each in names]
    except Exception as error:  # noqa: BLE001 - whatever one object's fault is, the others are worked on
        log().warning("a service was not reconciled", extra={"object": f"{namespace}/{name}", "error": repr(error)[:500]})
        return 1
    if any(again):
        return 1
    try:
        store.commit([Remove(NoteRecord, str(note.pk), str(note.sk), NoteRecord.stamp == note.stamp)])
    except (ConditionFailed, Throttled):
        return 1
    return 0


def _one(hands: Hands, namespace: str, name: str, *, drift: bool) -> bool:
    obj = hands.cluster.get(KIND, namespace, name)
    if obj is None:
        return False
    return reconcile(hands, obj, looked_for_drift=drift) is not None
