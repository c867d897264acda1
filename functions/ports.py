"""What the handlers reach: made at the first invocation, kept for the life of the process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache, lru_cache

from chalicelib.deployments.tasks import Ports
from chalicelib.platform.clock import utc_now
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.platform.prometheus import preset_metrics, through_service, traffic_metrics
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import settings
from chalicelib.platform.webhooks import HttpWebhooks
from chalicelib.projects.service import cluster_of
from chalicelib.runtime import registry

_CLUSTERS = 32
"""Registered clusters whose clients are kept: each holds connections and a token."""


def rollout_ports(event: Mapping[str, str]) -> Ports:
    """The ports of a task that is about an environment: those of the cluster that it is placed on."""
    placed = cluster_of(event["team"], event["project"], event["environment"])
    return _own_ports() if placed is None else _ports_of(event["team"], placed)


def _ports_of(team: str, name: str) -> Ports:
    """The ports of a registered cluster. Raises Failed when it is registered no more, and what keeps it from being reached."""
    known = settings()
    return _ports_there(registry.reach(team, name, secrets=Secrets(known.secrets_key), settings=known))


def cluster_there(team: str, name: str) -> KubernetesCluster:
    """A registered cluster behind its door. Raises what `registry.reach` and `connect` raise."""
    known = settings()
    return _behind_its_door(registry.reach(team, name, secrets=Secrets(known.secrets_key), settings=known))


def cluster_to_check(team: str, name: str) -> KubernetesCluster:
    """A registered cluster, whether its door is open or not. Raises what `registry.reach` and `connect` raise."""
    known = settings()
    return _cluster(registry.reach(team, name, secrets=Secrets(known.secrets_key), settings=known))


@cache
def _own_ports() -> Ports:
    """Those of the installation's own cluster."""
    known = settings()
    cluster = KubernetesCluster.from_kubeconfig(known.kubeconfig)
    metrics = traffic_metrics(known)
    webhooks = HttpWebhooks(known.webhook_hosts)
    return Ports(cluster=cluster, metrics=metrics, settings=known, clock=utc_now, sleep=time.sleep, webhooks=webhooks)


@lru_cache(maxsize=_CLUSTERS)
def _cluster(reach: registry.Reach) -> KubernetesCluster:
    from chalicelib.platform.kubereach import connect

    return connect(reach.access, known=reach.known)


def _behind_its_door(reach: registry.Reach) -> KubernetesCluster:
    return _cluster(reach).behind(registry.ClusterDoor(reach.owner, reach.name, reach.breaker, utc_now))


def _ports_there(reach: registry.Reach) -> Ports:
    known, cluster = settings(), _behind_its_door(reach)
    metrics = preset_metrics(through_service(reach.metrics, lambda: cluster), reach.preset)
    webhooks = HttpWebhooks(known.webhook_hosts)
    return Ports(cluster=cluster, metrics=metrics, settings=known, clock=utc_now, sleep=time.sleep, webhooks=webhooks)
