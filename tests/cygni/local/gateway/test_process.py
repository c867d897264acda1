"""The gateway as a process beside the embedded API server: what an installation runs."""

from __future__ import annotations

import contextlib
import http.client
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from cygni.local.freeports import free_port
from tests.cygni.local.gateway.builders import Thing, gateway, listener, pod, route, rule, service

pytestmark = pytest.mark.slow


class Cluster:
    """The embedded API server in a folder, which can be stopped and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.kubeconfig = folder / "kubeconfig"
        self._folder = folder
        self._port = free_port()  # not one that a connection may get while the server is stopped
        (folder / "token").write_text("t0ken")

    def start(self) -> None:
        options = ["--data", str(self._folder / "data"), "--token-file", str(self._folder / "token"), "--no-controllers"]
        command = ["cygni.local.kube", *options, "--kubeconfig", str(self.kubeconfig), "--port", str(self._port)]
        self._process, said = launch(command)
        self._port = said["port"]

    def stop(self) -> None:
        finish(self._process)

    def create(self, *things: Thing) -> None:
        """Creates objects, and the namespaces they need; pods get their status too."""
        api = config.new_client_from_config(str(self.kubeconfig), persist_config=False)
        core, custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
        for thing in things:
            namespace = thing["metadata"]["namespace"]
            with contextlib.suppress(client.ApiException):
                core.create_namespace({"metadata": {"name": namespace}})
            match thing["kind"]:
                case "Service":
                    core.create_namespaced_service(namespace, thing)
                case "Pod":
                    core.create_namespaced_pod(namespace, thing)
                    core.patch_namespaced_pod_status(thing["metadata"]["name"], namespace, {"status": thing["status"]})
                case kind:
                    plural = kind.lower() + "s"
                    custom.create_namespaced_custom_object("gateway.networking.k8s.io", "v1", namespace, plural, thing)

    def change_route(self, rules: list[Thing]) -> None:
        api = client.CustomObjectsApi(config.new_client_from_config(str(self.kubeconfig), persist_config=False))
        patch = {"spec": {"rules": rules}}
        api.patch_namespaced_custom_object("gateway.networking.k8s.io", "v1", "shop", "httproutes", "web", patch)

    def delete_pod(self, name: str) -> None:
        core = client.CoreV1Api(config.new_client_from_config(str(self.kubeconfig), persist_config=False))
        core.delete_namespaced_pod(name, "shop", grace_period_seconds=0)


def launch(command: list[str]) -> tuple[subprocess.Popen[str], Any]:
    """Starts a module and reads the line of JSON it prints when it is ready."""
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    return process, json.loads(process.stdout.readline())


def finish(process: subprocess.Popen[str]) -> int:
    """Ends a process that `launch` started."""
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
    assert process.stdout is not None
    process.stdout.close()
    return code


@contextlib.contextmanager
def serving(text: str) -> Iterator[int]:
    """An app that answers every request with `text`; gives its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(port: int, path: str = "/", host: str = "shop.localhost") -> tuple[int, str]:
    """Status and body of a GET."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Host": host})
    reply = connection.getresponse()
    body = reply.read().decode()
    connection.close()
    return reply.status, body


def eventually(holds: Callable[[], bool]) -> None:
    """Waits until `holds` does, for up to forty seconds: less than the gateway takes to list everything once more."""
    deadline = time.monotonic() + 40
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def named(kind: str, thing: Thing) -> Thing:
    """An object with its apiVersion and kind, and with what only a strict API asks for."""
    version = "v1" if kind in ("Service", "Pod") else "gateway.networking.k8s.io/v1"
    meta = {name: value for name, value in thing["metadata"].items() if name not in ("uid", "creationTimestamp")}
    whole = {**thing, "apiVersion": version, "kind": kind, "metadata": meta}
    if kind == "Pod":
        whole["spec"] = {"containers": [{**each, "image": "x"} for each in thing["spec"]["containers"]]}
    if kind == "Gateway":
        whole["spec"] = {**thing["spec"], "gatewayClassName": "cygni"}
    return whole


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    running = Cluster(tmp_path)
    running.start()
    yield running
    running.stop()


def test_a_gateway_beside_the_embedded_api_follows_it_through_an_outage(cluster: Cluster) -> None:
    process, ports = launch(["cygni.local.gateway", "--kubeconfig", str(cluster.kubeconfig), "--port", "0"])
    port, admin = ports["port"], ports["admin_port"]
    try:
        with serving("one") as one, serving("two") as two:
            eventually(lambda: fetch(admin, "/readyz")[0] == 200)
            assert fetch(port)[0] == 404
            cluster.create(
                named("Gateway", gateway(listener())),
                named("Service", service("web-r1")),
                named("Service", service("web-r2", revision="r2")),
                named("Pod", pod("web-1", app="web-r1", port=one)),
                named("Pod", pod("web-2", app="web-r2", port=two)),
                named("HTTPRoute", route(rule({"web-r1": 100, "web-r2": 0}))),
            )
            eventually(lambda: fetch(port) == (200, "one"))

            cluster.change_route([rule({"web-r1": 0, "web-r2": 100})])
            eventually(lambda: fetch(port) == (200, "two"))

            cluster.stop()
            assert [fetch(port) for _ in range(20)] == [(200, "two")] * 20
            cluster.start()
            cluster.change_route([rule({"web-r1": 100, "web-r2": 0})])
            eventually(lambda: fetch(port) == (200, "one"))

            cluster.delete_pod("web-1")
            eventually(lambda: fetch(port)[0] == 503)
            assert 'code="2xx",namespace="shop",route="web"}' in fetch(admin, "/metrics")[1]
    finally:
        code = finish(process)
    assert code == 0
