"""What the handlers reach: made at the first invocation, kept for the life of the process."""

from __future__ import annotations

import time
from functools import cache

from chalicelib.deployments.tasks import Ports
from chalicelib.platform.clock import utc_now
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.platform.prometheus import traffic_metrics
from chalicelib.platform.settings import settings
from chalicelib.platform.webhooks import HttpWebhooks


@cache
def rollout_ports() -> Ports:
    """The ports of a rollout's tasks."""
    known = settings()
    cluster = KubernetesCluster.from_kubeconfig(known.kubeconfig)
    metrics = traffic_metrics(known)
    webhooks = HttpWebhooks(known.webhook_hosts)
    return Ports(cluster=cluster, metrics=metrics, settings=known, clock=utc_now, sleep=time.sleep, webhooks=webhooks)
