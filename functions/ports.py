"""What the handlers reach: made at the first invocation, kept for the life of the process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cache, lru_cache, partial

from chalicelib.deployments.tasks import Gateway, Ports
from chalicelib.platform.clock import utc_now
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.platform.prometheus import preset_metrics, seen_inside, through_service, traffic_metrics
from chalicelib.platform.remembered import RememberedSecrets
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.settings import Settings, settings
from chalicelib.platform.traffic import TrafficMetrics
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
    return _ports_there(_reach(team, name))


def cluster_there(team: str, name: str) -> KubernetesCluster:
    """A registered cluster behind its door. Raises what `registry.reach` and `connect` raise."""
    return reached(team, name)[0]


def reached(team: str, name: str) -> tuple[KubernetesCluster, Gateway]:
    """A registered cluster behind its door, and what stands before it. Raises what `registry.reach` and `connect` raise."""
    reach = _reach(team, name)
    return _behind_its_door(reach), _gateway_there(reach)


def cluster_to_check(team: str, name: str) -> KubernetesCluster:
    """A registered cluster, whether its door is open or not. Raises what `registry.reach` and `connect` raise."""
    return _cluster(_reach(team, name))


def _reach(team: str, name: str) -> registry.Reach:
    return registry.reach(team, name, secrets=_secrets(), settings=settings())


@cache
def _secrets() -> RememberedSecrets:
    """Credentials that were read a short while ago. A new credential has a new name, and so is used at once."""
    return RememberedSecrets(Secrets(settings().secrets_key))


@cache
def _own_ports() -> Ports:
    """Those of the installation's own cluster."""
    known = settings()
    cluster = KubernetesCluster.from_kubeconfig(known.kubeconfig)
    metrics = traffic_metrics(known)
    return _ports(cluster, metrics, own_gateway(known))


@lru_cache(maxsize=_CLUSTERS)
def _cluster(reach: registry.Reach) -> KubernetesCluster:
    from chalicelib.platform.kubereach import connect

    return connect(reach.access, known=reach.known, refused=partial(_secrets().doubt, reach.secret))


def _behind_its_door(reach: registry.Reach) -> KubernetesCluster:
    return _cluster(reach).behind(registry.ClusterDoor(reach.owner, reach.name, reach.breaker, utc_now))


def _ports_there(reach: registry.Reach) -> Ports:
    cluster = _behind_its_door(reach)
    metrics = preset_metrics(through_service(reach.metrics, lambda: cluster), reach.preset)
    return _ports(cluster, metrics, _gateway_there(reach))


def own_gateway(known: Settings) -> Gateway:
    """What stands before the installation's own cluster. Signed requests and metrics pages are nothing that KEDA asks."""
    asked = known.metrics_kind == "prometheus" and not known.metrics_region
    return Gateway(known.metrics_preset, seen_inside(known.metrics_url) if asked else "", known.keda_namespace)


def _gateway_there(reach: registry.Reach) -> Gateway:
    """What stands before a registered cluster."""
    return Gateway(reach.preset, seen_inside(reach.metrics), settings().keda_namespace)


def _ports(cluster: KubernetesCluster, metrics: TrafficMetrics, gateway: Gateway) -> Ports:
    known = settings()
    webhooks = HttpWebhooks(known.webhook_hosts)
    return Ports(cluster, metrics, known, clock=utc_now, sleep=time.sleep, webhooks=webhooks, gateway=gateway)
