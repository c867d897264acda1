"""The node as it is started, against the embedded API server by the official client: what no fake can vouch for."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from cygni.local.kube.kubeconfig import write_kubeconfig
from cygni.local.kube.server import Options, running_in_thread
from cygni.local.node.__main__ import parse
from cygni.local.node.api import ApiError, KubeApi
from cygni.local.node.spec import Object
from tests.cygni.local.node.fake import container, http_probe, pod, write_image
from tests.cygni.local.node.harness import APP, COMMAND, PODS, marked

T = TypeVar("T")
NEEDED = ["--images", "i", "--data", "d"]


def until(what: Callable[[], T], seconds: float = 60.0) -> T:
    ends = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < ends, "it never came true"
        time.sleep(0.02)
    return found


class Host:
    """A machine with the embedded API server and a node process."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory, self.data, self.port = directory, directory / "data", port
        self.api = KubeApi(directory / "kubeconfig")
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        settings = ["--kubeconfig", "kubeconfig", "--images", "images", "--data", "data", "--schedule", "--back-off", "0.2"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cygni.local.node", *settings, "--drain", "0.1"], cwd=self.directory
        )
        return self.process

    def run(self, mode: str, name: str = "web-1") -> Object:
        env = [{"name": "PORT", "value": "8080"}, {"name": "MODE", "value": mode}]
        body = pod(name, container(env=env, readinessProbe=http_probe()))
        del body["metadata"]["uid"]
        return self.api.create(PODS, body)

    def ready(self, name: str = "web-1") -> Object | None:
        """The pod, once it is ready."""
        found = self.api.get(f"{PODS}/{name}")
        conditions = found.get("status", {}).get("conditions", [])
        return found if any(one["type"] == "Ready" and one["status"] == "True" for one in conditions) else None


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Host]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[4]))
    write_image(tmp_path / "images", {"app.py": APP}, COMMAND)
    with running_in_thread(Options("secret", tmp_path / "kube"), tmp_path / "kubeconfig") as port:
        machine = Host(tmp_path, port)
        machine.api.create("/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
        yield machine
        machine.process.terminate()
        assert machine.process.wait(60) in (0, -signal.SIGKILL)
        assert marked(machine.data) == []
        machine.api.close()


@pytest.mark.slow
def test_a_pod_runs_from_creation_to_deletion(host: Host) -> None:
    until(lambda: host.api.get("/api/v1/nodes")["items"])
    host.run("serve")
    found = until(host.ready)
    assert found["spec"]["nodeName"] == "local"

    host.api.delete(f"{PODS}/web-1", {})

    def gone() -> bool:
        try:
            return not host.api.get(f"{PODS}/web-1")
        except ApiError as error:
            return error.status == 404

    until(gone)
    assert marked(host.data) == []
    events = host.api.get("/api/v1/namespaces/shop/events")["items"]
    assert {"Scheduled", "Pulled", "Started", "Killing"} <= {event["reason"] for event in events}


@pytest.mark.slow
def test_logs_come_through_the_api_server(host: Host) -> None:
    host.run("serve")
    until(host.ready)

    address = f"http://127.0.0.1:{host.port}{PODS}/web-1/log?tailLines=1"
    request = urllib.request.Request(address, headers={"Authorization": "Bearer secret"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.read().startswith(b"listening on ")


@pytest.mark.slow
def test_a_node_that_is_killed_leaves_no_process_and_the_next_one_starts_its_pods_again(host: Host) -> None:
    host.run("family")
    until(host.ready)
    until(lambda: len(marked(host.data)) == 4)  # the application does not wait for those it starts

    host.process.kill()
    host.process.wait()

    until(lambda: not marked(host.data))
    host.start()
    found = until(lambda: (again := host.ready()) and again["status"]["containerStatuses"][0]["restartCount"] == 1 and again)
    assert found["status"]["containerStatuses"][0]["lastState"]["terminated"]["reason"] == "ContainerStatusUnknown"


@pytest.mark.slow
def test_a_node_that_is_stopped_ends_its_pods_and_says_so(host: Host) -> None:
    host.run("polite")
    until(host.ready)

    host.process.terminate()

    assert host.process.wait(60) == 0
    assert marked(host.data) == []
    assert host.ready() is None
    assert [one["status"] for one in host.api.get("/api/v1/nodes/local")["status"]["conditions"] if one["type"] == "Ready"] == [
        "False"
    ]


@pytest.mark.slow
def test_a_node_that_waits_for_its_api_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[4]))
    write_kubeconfig(tmp_path / "kubeconfig", 9, "secret")
    command = [sys.executable, "-m", "cygni.local.node", "--kubeconfig", "kubeconfig", *NEEDED]
    process = subprocess.Popen(command, cwd=tmp_path)
    until((tmp_path / "d" / "node.lock").exists)
    process.terminate()

    assert process.wait(60) == 0


def test_settings_have_the_defaults_of_a_kubelet() -> None:
    kubeconfig, config, level = parse(NEEDED)

    assert (kubeconfig, level, config.name, config.schedule) == (None, "info", "local", False)
    assert (config.back_off.base, config.back_off.cap, config.heartbeat) == (10, 300, 10)
    assert config.images == Path.cwd() / "i"


def test_a_certificate_needs_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse([*NEEDED, "--tls-cert-file", "c"])

    assert "go together" in capsys.readouterr().err
