"""A control plane as it is started: what is there from the first moment, who is admitted, and that nothing outlives it."""

from __future__ import annotations

import ssl
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from cygni.local.controlplane.plane import NotStarted, Plane, Program, running
from tests.contract.api import Api
from tests.support.cluster import binaries

pytestmark = pytest.mark.cluster


def belonging_to(folder: Path) -> list[str]:
    """The programs that run with a file below this folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and any(str(folder) in word for word in process.cmdline()):
                found.append(process.name())
        except psutil.Error:
            continue
    return found


def refusal(plane: Plane, headers: dict[str, str]) -> int:
    """The status with which the API server turns a request for secrets down."""
    trust = ssl.create_default_context(cafile=str(plane.plan.certificates.authority))
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(
            urllib.request.Request(f"{plane.plan.url}/api/v1/secrets", headers=headers), context=trust, timeout=60
        )
    refused.value.close()
    return refused.value.code


def test_a_start_has_what_every_cluster_has_admits_nobody_else_and_leaves_no_process(tmp_path: Path) -> None:
    with running(binaries(), tmp_path, "a-token") as plane:
        api = Api(str(plane.plan.kubeconfig))
        assert "cygni-system" in api.names("/api/v1/namespaces")
        assert api.get("/apis/gateway.networking.k8s.io/v1/httproutes").status == 200
        assert [refusal(plane, headers) for headers in ({}, {"Authorization": "Bearer wrong"})] == [401, 401]
        assert "kube-apiserver" in belonging_to(tmp_path)
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kept"}}
        assert api.post("/api/v1/namespaces/default/configmaps", body).status == 201
    assert belonging_to(tmp_path) == []

    with running(binaries(), tmp_path, "another-token") as plane:
        assert "kept" in Api(str(plane.plan.kubeconfig)).names("/api/v1/namespaces/default/configmaps")


KILLED = """
    import sys, time
    from pathlib import Path
    from cygni.local.controlplane.binaries import Binaries
    from cygni.local.controlplane.plane import Plane
    plane = Plane(Binaries(Path(sys.argv[1])), Path(sys.argv[2]), "a-token")
    plane.start()
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a process with the thread that started it")
def test_a_control_plane_ends_with_the_process_that_started_it_even_when_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(binaries().folder), str(tmp_path / "plane")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.kill()

    deadline = time.monotonic() + 60
    while belonging_to(tmp_path / "plane") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert belonging_to(tmp_path / "plane") == []


def test_a_program_that_ended_is_named_with_its_last_lines(tmp_path: Path) -> None:
    program = Program(Path("/bin/sh"), ["-c", "echo the disk is full; exit 3"], tmp_path / "log")
    program.start()
    assert program.process is not None
    program.process.wait(60)

    with pytest.raises(NotStarted, match=r"sh ended with exit code 3\.\nthe disk is full"):
        program.check()
