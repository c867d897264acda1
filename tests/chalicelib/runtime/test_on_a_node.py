"""The façade on the embedded cluster with a node that runs pods: what a newcomer's mistakes look like from here."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from chalicelib.platform.clock import utc_now
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.runtime import service
from chalicelib.runtime.rules import Target
from cygni.local.kube.server import Options, running_in_thread
from tests.chalicelib.runtime.builders import workload
from tests.contract.api import eventually

pytestmark = pytest.mark.slow

SERVER = """
import http.server, os, sys
host, port = sys.argv[1], int(sys.argv[2] if len(sys.argv) > 2 else os.environ["PORT"])
print("listening", flush=True)
http.server.ThreadingHTTPServer((host, port), http.server.SimpleHTTPRequestHandler).serve_forever()
"""
DIGEST = "b" * 64
IMAGE = f"registry.localhost/shop/web@sha256:{DIGEST}"


@pytest.fixture(scope="module")
def kubeconfig(tmp_path_factory):
    """The kubeconfig of an embedded cluster with one node, whose image store holds SERVER."""
    root = tmp_path_factory.mktemp("cluster")
    image = root / "images" / f"sha256-{DIGEST}"
    (image / "app").mkdir(parents=True)
    (image / "app" / "server.py").write_text(SERVER)
    about = {"digest": f"sha256:{DIGEST}", "command": ["false"], "env": {}, "workdir": "app"}
    (image / "image.json").write_text(json.dumps(about))
    node = [sys.executable, "-m", "cygni.local.node", "--schedule", "--kubeconfig", str(root / "kubeconfig")]
    node += ["--images", str(root / "images"), "--data", str(root / "data"), "--log-level", "warning"]
    with running_in_thread(Options(token="t" * 32), root / "kubeconfig"), subprocess.Popen(node) as process:
        try:
            yield str(root / "kubeconfig")
        finally:
            process.terminate()
            process.wait(timeout=60)


@pytest.fixture(scope="module")
def cluster(kubeconfig):
    """A client of it."""
    return KubernetesCluster.from_kubeconfig(kubeconfig)


@pytest.fixture
def port(kubeconfig):
    """The public port of a gateway of that cluster."""
    command = [sys.executable, "-m", "cygni.local.gateway", "--kubeconfig", kubeconfig, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())["port"]
        finally:
            process.terminate()
            process.wait(timeout=60)


def python(*arguments):
    return (sys.executable, "-S", *arguments)


def settled(cluster, target, seconds=120.0):
    """The readiness of release 1 once it is no longer waited for."""
    ends = time.monotonic() + seconds
    while (judged := service.readiness(cluster, target, 1, now=utc_now())).state == "waiting":
        assert time.monotonic() < ends, judged
        time.sleep(0.1)
    return judged


def deploy(cluster, name, *command, image=IMAGE, **spec):
    """The readiness of a release that runs this command, when it is settled."""
    target = Target("team_1", "shop", "prod", name)
    service.apply_release(cluster, workload(target=target, command=command, image=image, spec=spec, replicas=1), host=name)
    return settled(cluster, target)


def test_a_server_that_listens_on_its_port_is_ready_and_its_lines_can_be_read_on(cluster):
    judged = deploy(cluster, "well", *python("server.py", "0.0.0.0"))
    target = Target("team_1", "shop", "prod", "well")

    page = service.read_logs(cluster, target, number=1)

    assert (judged.state, judged.ready) == ("ready", 1)
    assert page.lines[0].text == "listening"
    assert "listening" not in [line.text for line in service.read_logs(cluster, target, number=1, cursor=page.cursor).lines]


def test_a_process_that_exits_fails_at_once_with_its_exit_code_and_last_lines(cluster):
    judged = deploy(cluster, "exits", *python("-c", "print('no DATABASE_URL'); raise SystemExit(3)"))

    assert (judged.state, judged.reason) == ("failed", "exited")
    assert "exited with code 3" in judged.message
    assert judged.log_tail == ("no DATABASE_URL",)


def test_a_server_on_another_port_is_told_which_port_was_found(cluster):
    judged = deploy(cluster, "astray", *python("server.py", "0.0.0.0", "38517"))

    assert (judged.state, judged.reason) == ("failed", "wrong-port")
    assert "38517" in judged.message


def test_a_server_on_loopback_only_is_told_to_listen_on_all_addresses(cluster):
    judged = deploy(cluster, "inward", *python("server.py", "127.0.0.1"))

    assert (judged.state, judged.reason) == ("failed", "loopback-only")
    assert "0.0.0.0" in judged.message


def test_an_image_that_is_not_there_fails_at_once(cluster):
    judged = deploy(cluster, "lost", "true", image=IMAGE.replace("b" * 64, "c" * 64))

    assert (judged.state, judged.reason) == ("failed", "image-missing")


def test_a_program_that_is_not_there_fails_at_once(cluster):
    judged = deploy(cluster, "typo", "pyhton", "server.py")

    assert (judged.state, judged.reason) == ("failed", "cannot-start")
    assert "pyhton" in judged.message


def test_a_service_whose_health_path_fails_is_failed_at_its_deadline_with_its_lines(cluster):
    health = {"path": "/nowhere", "deadline": "4s", "interval": "1s"}
    target, command = Target("team_1", "shop", "prod", "sick"), python("server.py", "0.0.0.0")
    service.apply_release(
        cluster, workload(target=target, command=command, image=IMAGE, spec={"health": health}, replicas=1), host="sick"
    )

    judged = eventually(
        lambda: service.readiness(cluster, target, 1, now=utc_now() + timedelta(minutes=1)),
        lambda judged: "code 404" in str(judged.log_tail),
    )

    assert (judged.state, judged.reason) == ("failed", "probe-failing")
    assert "Not ready within 4 s" in judged.message
    assert "code 404" in "".join(judged.log_tail[-2:])


def get(port, host):
    """The status of a request at the gateway."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=90)
    try:
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_service_that_nobody_asks_for_stops_and_the_first_request_wakes_it_and_is_answered(cluster, port):
    judged = deploy(cluster, "sleepy", *python("server.py", "0.0.0.0"), scale={"min": 0, "idle": "3s"})
    target = Target("team_1", "shop", "prod", "sleepy")

    def pods():
        return cluster.list("Pod", target.namespace, target.selector(1))

    ends = time.monotonic() + 90
    while pods():
        assert time.monotonic() < ends, "it does not stop"
        time.sleep(0.1)

    assert judged.state == "ready"
    assert get(port, "sleepy") == 200
