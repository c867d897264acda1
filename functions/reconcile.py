"""Every minute: what people declared in clusters is rolled out, and what others changed there is brought back."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from chalicelib.deployments import tasks as deployments
from chalicelib.platform import metrics
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import ClusterUnavailable, Failed
from chalicelib.platform.ids import new_id
from chalicelib.platform.kubewatch import WatchedKubernetes
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.settings import settings
from chalicelib.platform.workflows import Workflows
from chalicelib.runtime import registry
from functions.observed import observed
from functions.ports import own_gateway, reached

_SECONDS = timedelta(seconds=240)
OWN = "own"
"""What the installation's own cluster is called here."""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Works on the shard that the event names. The schedule's event names none: then each shard of each cluster is sent one."""
    if "shard" in event:
        return _shard(event)
    clusters: list[dict[str, str]] = [{}] if settings().kubeconfig else []  # on AWS all clusters are registered ones
    clusters += [{"team": team, "cluster": name} for team, name in registry.registered_clusters()]
    wanted = shares(clusters, settings().reconcile_shards)
    if len(wanted) == 1:
        return _shard(wanted[0])
    for each in wanted:
        Functions().send("cygni-reconcile", each)
    return {"sent": len(wanted)}


def shares(clusters: list[dict[str, str]], shards: int) -> list[dict[str, Any]]:
    """The events of a minute: of each cluster as many as it has shards."""
    return [{"shard": index, "of": shards, **each} for each in clusters for index in range(shards)]


def _shard(event: dict[str, Any]) -> dict[str, int]:
    try:
        return _run(event)
    except (ClusterUnavailable, Failed):
        if "cluster" not in event:
            raise
        return {"unreachable": 1}  # its team is told by the check of its cluster


def _run(event: dict[str, Any]) -> dict[str, int]:
    known, team, name = settings(), event.get("team", ""), event.get("cluster", OWN)
    cluster, gateway = _own() if name == OWN else _there(team, name)
    hands = deployments.Hands(
        cluster=cluster,
        workflows=Workflows(),
        settings=known,
        new_id=lambda prefix: new_id(prefix, utc_now()),
        clock=utc_now,
        team=team,
        name="" if name == OWN else name,
        gateway=gateway,
    )
    shard = deployments.Shard(OWN if name == OWN else f"{team}/{name}", int(event["shard"]), int(event["of"]))
    done = deployments.reconcile(hands, shard, until=utc_now() + _SECONDS)
    told = {metric: count for metric, count in ((metrics.RECONCILED, done.worked), (metrics.LEFT, done.left)) if count}
    if told:
        metrics.emit(told)
    return {"noted": done.noted, "worked": done.worked, "left": done.left}


@cache
def _own() -> tuple[WatchedKubernetes, deployments.Gateway]:
    return WatchedKubernetes.from_kubeconfig(settings().kubeconfig), own_gateway(settings())


def _there(team: str, name: str) -> tuple[WatchedKubernetes, deployments.Gateway]:
    cluster, gateway = reached(team, name)
    return WatchedKubernetes.of(cluster), gateway
