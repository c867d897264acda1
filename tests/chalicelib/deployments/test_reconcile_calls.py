"""What services that rest cost, counted on an API server: as many calls for many as for few."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from chalicelib.deployments import reporting
from chalicelib.deployments.declared_rules import Condition, Report
from chalicelib.deployments.tasks import Hands, Shard, reconcile
from chalicelib.platform.clock import utc_now
from chalicelib.platform.kubewatch import WatchedKubernetes
from chalicelib.platform.settings import Settings
from chalicelib.runtime.drift import WATCHED
from cygni.local.kube.server import Options, running_in_thread
from tests.contract.api import Api
from tests.support.store import memory_store

pytestmark = pytest.mark.slow
IMAGE = "registry.localhost/hello/web@sha256:" + "a" * 64


class Counted(WatchedKubernetes):
    """Keeps the path of every call."""

    asked: list[str]

    def _open(self, method: str, path: str, **more: Any) -> Any:
        self.asked.append(f"{method} {path}")
        return super()._open(method, path, **more)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Iterator[str]:
    with memory_store(), running_in_thread(Options("t" * 32), tmp_path / "kubeconfig"):
        yield str(tmp_path / "kubeconfig")


def test_a_run_over_services_that_rest_asks_once_for_each_kind(kubeconfig: str) -> None:
    api, cluster = Api(kubeconfig), Counted.from_kubeconfig(kubeconfig)
    hands = Hands(cluster, None, Settings(), lambda prefix: prefix, utc_now)  # type: ignore[arg-type]  # nothing is started
    resting = Report((Condition("Ready", "True", "Live", "m"),))
    cluster.asked = []
    costs = []
    for count in (10, 500):
        for index in range(count):
            meta = {"name": f"s{count}-{index}"}
            path = f"/apis/cygni.dev/v1/namespaces/default/cygniservices/{meta['name']}"
            body = {"apiVersion": "cygni.dev/v1", "kind": "CygniService", "metadata": meta, "spec": {"image": IMAGE}}
            made = api.apply(path, body, "kubectl").body
            reporting.set_finalizers(cluster, made, ["cygni.dev/service"])
            reporting.report(cluster, made, resting, url="", now=utc_now())
        shard = Shard(f"of-{count}")
        assert reconcile(hands, shard, until=utc_now() + timedelta(minutes=4)).noted == 0
        cluster.asked.clear()

        done = reconcile(hands, shard, until=utc_now())

        assert (done.noted, done.worked, done.left) == (0, 0, 0)
        costs.append(len(cluster.asked))

    assert costs == [1 + len(WATCHED)] * 2
