"""The drill itself: a region is lost in mid-rollout, and the other one goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_a_rollout_goes_on_in_the_other_region_and_the_lost_one_does_nothing_when_it_comes_back() -> None:
    root = Path(__file__).resolve().parents[2]

    done = subprocess.run(
        [sys.executable, "-m", "tools.failover_drill", "--json"], cwd=root, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["application_failures"] == 0 < report["application_requests"]
    assert report["acknowledged_writes_lost"] == 1
    assert set(report["seconds"]) == {"acts (its name would lead there)", "workflow runs on", "rollout promoted"}
