"""Every minute: what people declared in clusters is rolled out, and what others changed there is brought back."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from typing import Any

from chalicelib.deployments import tasks as deployments
from chalicelib.platform.clock import utc_now
from chalicelib.platform.errors import ClusterUnavailable, Failed
from chalicelib.platform.ids import new_id
from chalicelib.platform.kubewatch import WatchedKubernetes
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.settings import settings
from chalicelib.platform.workflows import Workflows
from chalicelib.runtime import registry
from functions.observed import observed
from functions.ports import cluster_there

_SECONDS = timedelta(seconds=240)
OWN = "own"
"""What the installation's own cluster is called here."""


@observed
def handler(event: dict[str, Any], _context: object) -> dict[str, int]:
    """Works on the shard that the event names. The schedule's event names none: then each shard of each cluster is sent one."""
    if "shard" in event:
        return _shard(event)
    shards = settings().reconcile_shards
    own = range(shards) if settings().kubeconfig else ()  # on AWS all clusters are registered ones
    wanted: list[dict[str, Any]] = [{"shard": index, "of": shards} for index in own]
    wanted += [{"shard": 0, "of": 1, "team": team, "cluster": name} for team, name in registry.registered_clusters()]
    if len(wanted) == 1:
        return _shard(wanted[0])
    for each in wanted:
        Functions().send("cygni-reconcile", each)
    return {"sent": len(wanted)}


def _shard(event: dict[str, Any]) -> dict[str, int]:
    try:
        return _run(event)
    except (ClusterUnavailable, Failed):
        if "cluster" not in event:
            raise
        return {"unreachable": 1}  # its team is told by the check of its cluster


def _run(event: dict[str, Any]) -> dict[str, int]:
    known, team, name = settings(), event.get("team", ""), event.get("cluster", OWN)
    hands = deployments.Hands(
        cluster=_own() if name == OWN else WatchedKubernetes.of(cluster_there(team, name)),
        workflows=Workflows(),
        settings=known,
        new_id=lambda prefix: new_id(prefix, utc_now()),
        clock=utc_now,
        team=team,
        name="" if name == OWN else name,
    )
    shard = deployments.Shard(OWN if name == OWN else f"{team}/{name}", int(event["shard"]), int(event["of"]))
    done = deployments.reconcile(hands, shard, until=utc_now() + _SECONDS)
    return {"noted": done.noted, "worked": done.worked, "left": done.left}


@cache
def _own() -> WatchedKubernetes:
    return WatchedKubernetes.from_kubeconfig(settings().kubeconfig)
