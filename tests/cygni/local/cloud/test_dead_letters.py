"""An event that no function could take, on the embedded cloud: kept, replayed by the operator, and its work done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cygni.local.kube.server import Options, running_in_thread
from tests.cygni.cli.conftest import Cli
from tests.cygni.local.cloud.running import KEY, RunningCloud
from tests.cygni.local.cloud.test_process import until

pytestmark = pytest.mark.slow
SERVICE = "/v1/projects/shop/environments/prod/services/web"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[RunningCloud]:
    """A cloud whose cluster is not there yet."""
    cloud = RunningCloud(tmp_path)
    cloud.start()
    yield cloud
    cloud.stop()


def test_a_removal_that_failed_for_good_is_replayed_once_its_cluster_is_back(cloud: RunningCloud, tmp_path: Path) -> None:
    config = tmp_path / ".config" / "cygni" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[contexts.local]\naws_url = "{cloud.addresses["aws"]}"\n')
    operator = Cli(tmp_path, {"HOME": str(tmp_path)})
    cloud.api("POST", "/v1/projects", {"name": "shop"})
    cloud.api("POST", "/v1/projects/shop/environments/prod/services", {"name": "web"})

    cloud.api("DELETE", SERVICE)
    until(lambda: operator.document("admin", "replay", "--local")["queues"][0]["waiting"] == 1, 240)
    shown = operator.document("admin", "replay", "--local", "--all", "--dry-run")["letters"]

    assert [(each["function"], each["error"], each["about"]["service"]) for each in shown] == [
        ("cygni-remove-service", "ClusterUnavailable", "web")
    ]
    assert _status(cloud) == 200, "it is still there, marked"
    with running_in_thread(Options("a token of the tests", tmp_path / "kube"), tmp_path / "kubeconfig"):
        assert operator.document("admin", "replay", "--local", "--all", "--yes")["replayed"] == 1
        until(lambda: _status(cloud) == 404)
        assert operator.document("admin", "replay", "--local", "--all", "--yes")["letters"] == []


def _status(cloud: RunningCloud) -> int:
    return httpx.get(cloud.addresses["api"] + SERVICE, headers={"Authorization": f"Bearer {KEY}"}, timeout=60).status_code
