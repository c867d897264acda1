"""The command: `python -m cygni.local.kube`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.contract.objects import config

pytestmark = pytest.mark.slow
_PATH = "/api/v1/namespaces/default/configmaps"


@contextmanager
def _started(folder: Path) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    (folder / "token").write_text("secret\n")
    command = [sys.executable, "-m", "cygni.local.kube", "--data", str(folder / "data"), "--token-file", str(folder / "token")]
    process = subprocess.Popen([*command, "--kubeconfig", str(folder / "kubeconfig")], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": "Bearer secret"}, timeout=60
        ) as client:
            yield process, client
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_it_stops_cleanly_when_asked(tmp_path: Path) -> None:
    with _started(tmp_path) as (process, client):
        assert client.get("/readyz").text == "ok"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


def test_what_was_written_survives_a_kill(tmp_path: Path) -> None:
    with _started(tmp_path) as (process, client):
        versions = [client.post(_PATH, json=config(f"c{n}")).json()["metadata"]["resourceVersion"] for n in range(20)]
        process.kill()
        process.wait()
    with _started(tmp_path) as (_, client):
        items = client.get(_PATH).json()
        assert {item["metadata"]["name"] for item in items["items"]} == {f"c{n}" for n in range(20)}
        assert int(items["metadata"]["resourceVersion"]) >= int(versions[-1])


def test_only_this_machine_is_listened_to(tmp_path: Path) -> None:
    import psutil

    with _started(tmp_path) as (process, _):
        listening = [c.laddr.ip for c in psutil.Process(process.pid).net_connections("tcp") if c.status == "LISTEN"]
    assert listening == ["127.0.0.1"]


def test_an_idle_cluster_costs_nothing(tmp_path: Path) -> None:
    import time

    import psutil

    with _started(tmp_path) as (process, _):
        used = psutil.Process(process.pid)
        for _ in range(20):  # what is left of its start may take a while
            before = sum(used.cpu_times()[:2])
            time.sleep(2.0)  # idleness is what is measured
            if (cost := sum(used.cpu_times()[:2]) - before) < 0.1:
                break
        assert cost < 0.1


def test_an_empty_token_is_refused(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("")
    command = [sys.executable, "-m", "cygni.local.kube", "--data", str(tmp_path), "--token-file", str(tmp_path / "token")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 2
    assert "is empty" in done.stderr
