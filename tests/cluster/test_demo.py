"""The demo on a real control plane: the same releases, the same workflows, the same verdicts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cygni.local.controlplane.binaries import CONTROLLERS, SERVERS
from tests.cygni.local.demo.test_demo import running_in
from tests.support.cluster import binaries

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
COMMAND = [sys.executable, "-m", "cygni.local.demo", "--cluster", "real", "--json"]


def test_it_reaches_the_verdicts_of_the_embedded_cluster_and_leaves_nothing(tmp_path: Path) -> None:
    binaries(needed=(*SERVERS, *CONTROLLERS))
    environ = {**os.environ, "TMPDIR": str(tmp_path)}

    done = subprocess.run(COMMAND, check=False, env=environ, capture_output=True, text=True, timeout=500)

    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert [each["state"] for each in result["releases"]] == ["promoted", "promoted", "rolled_back", "rolled_back"]
    assert result["complaints"] == []
    assert result["releases"][2]["seconds_to_verdict"] > 0
    assert result["releases"][1]["failed_requests"] == 0
    assert running_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []
