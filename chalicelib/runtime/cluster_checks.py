"""Checks of registered clusters: whether they answer, what they grant, and what they serve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Protocol

from chalicelib.platform.across import keys_in_index
from chalicelib.platform.errors import CygniError, Transient
from chalicelib.platform.store import team_store
from chalicelib.platform.table import ConditionFailed, Put, unpack
from chalicelib.runtime.breaker_rules import CLOSED, Breaker, missed
from chalicelib.runtime.breaking import breaker_of, put_breaker
from chalicelib.runtime.cluster_rules import KEDA_RIGHTS, RIGHTS, Found, Health, Right, blind_spot, judge
from chalicelib.runtime.models import CLUSTERS, ClusterIndex, ClusterRecord, cluster_sk, team_pk

_TRIES = 3


class Asked(Protocol):
    """What a check asks of a cluster. Each raises as `platform.kubeport` says."""

    def version(self) -> tuple[int, int]: ...

    def may(self, verb: str, group: str, resource: str) -> bool: ...

    def serves(self, kind: str) -> bool: ...


Connect = Callable[[str, str], Asked]
"""(team, cluster's name) → the cluster. Raises what keeps it from being reached."""


def registered_clusters() -> Iterator[tuple[str, str]]:
    """Team and name of every cluster, of all teams: for the schedule that checks them only."""
    for raw in keys_in_index(ClusterRecord, ClusterIndex.Meta.index_name, CLUSTERS):
        record = unpack(ClusterRecord, raw)
        yield record.team, record.name


def check_cluster(team: str, name: str, *, connect: Connect, now: datetime) -> Health | None:
    """Asks a cluster and records what was found; None when it is registered no more.

    A cluster that was replaced meanwhile keeps its own state, which is unchecked: another check follows.
    """
    store = team_store(team)
    record = store.fetch(ClusterRecord, team_pk(team), cluster_sk(name))
    if record is None:
        return None
    health, sentence = look(lambda: connect(team, name))
    if health in (Health.HEALTHY, Health.LIMITED):
        sentence += blind_spot(record.preset)
    asked = record.access
    for _ in range(_TRIES):  # what a silence writes meanwhile is no replacement
        record.health, record.found, record.checked_at = health.value, sentence[:500], now
        put_breaker(record, _heard(breaker_of(record), health, now))
        try:
            store.commit([Put(record)])
            return health
        except ConditionFailed:
            record = store.fetch(ClusterRecord, team_pk(team), cluster_sk(name))
        if record is None or record.access != asked:
            break
    return Health.UNCHECKED


def _heard(breaker: Breaker, health: Health, now: datetime) -> Breaker:
    """A check asks whether the breaker is open or not, and counts as a call."""
    return missed(breaker, now, trying=True) if health is Health.UNREACHABLE else CLOSED


def look(connect: Callable[[], Asked]) -> tuple[Health, str]:
    """The health of a cluster, and the sentence that goes with it. Never raises what a cluster may answer."""
    try:
        cluster = connect()
        version = cluster.version()
        rights: dict[Right, bool] = {right: cluster.may(right.verb, right.group, right.resource) for right in RIGHTS}
        return judge(Found(version, rights, cluster.serves("HTTPRoute"), _scaling(cluster)))
    except Transient as error:
        return Health.UNREACHABLE, str(error)
    except CygniError as error:
        return Health.REFUSED, " ".join(filter(None, (str(error), error.remedy)))


def _scaling(cluster: Asked) -> dict[Right, bool]:
    """The rights on KEDA's kinds, as far as they are there."""
    if not cluster.serves("ScaledObject"):
        return {}
    asked = KEDA_RIGHTS if cluster.serves("HTTPScaledObject") else [each for each in KEDA_RIGHTS if each.group == "keda.sh"]
    return {right: cluster.may(right.verb, right.group, right.resource) for right in asked}
