"""The server over HTTP: who is let in, what it tells of itself, logs from a node, and how it ends."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import yaml

from cygni.local.kube.server import Options, running_in_thread
from tests.contract.objects import config, pod
from tests.cygni.local.kube.conftest import TOKEN


def _server(kubeconfig: Path) -> str:
    parts = urlsplit(yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])
    return f"http://{parts.hostname}:{parts.port}"


@pytest.fixture
def http(cluster: Path) -> Iterator[httpx.Client]:
    """A bare HTTP client with the token."""
    with httpx.Client(base_url=_server(cluster), headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic !"}, {"Authorization": TOKEN}]
)
def test_strangers_are_refused(cluster: Path, header: dict[str, str]) -> None:
    answer = httpx.get(_server(cluster) + "/api/v1/namespaces", headers=header, timeout=60)
    assert (answer.status_code, answer.json()["reason"]) == (401, "Unauthorized")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/livez", "/version"])
def test_health_and_version_are_open(cluster: Path, path: str) -> None:
    assert httpx.get(_server(cluster) + path, timeout=60).status_code == 200


def test_a_password_is_as_good_as_a_token(cluster: Path) -> None:
    assert httpx.get(_server(cluster) + "/api", auth=("anyone", TOKEN), timeout=60).status_code == 200


def test_both_forms_of_discovery_tell_the_same(http: httpx.Client) -> None:
    accept = {"Accept": "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"}
    items = http.get("/apis", headers=accept).json()["items"]
    together = {
        (i["metadata"]["name"], v["version"], r["resource"]) for i in items for v in i["versions"] for r in v["resources"]
    }
    apart = set()
    for group in http.get("/apis").json()["groups"]:
        for version in group["versions"]:
            listed = http.get(f"/apis/{version['groupVersion']}").json()["resources"]
            apart |= {(group["name"], version["version"], row["name"]) for row in listed if "/" not in row["name"]}
    assert together == apart
    assert ("gateway.networking.k8s.io", "v1", "httproutes") in apart


def test_openapi_describes_every_group(http: httpx.Client) -> None:
    paths = http.get("/openapi/v3").json()["paths"]
    document = http.get(paths["apis/apps/v1"]["serverRelativeURL"]).json()
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
    assert all(http.get(path["serverRelativeURL"]).status_code == 200 for path in paths.values())


def test_warnings_travel_in_headers(http: httpx.Client) -> None:
    body = {**config("warned"), "bogus": 1}
    answer = http.post("/api/v1/namespaces/default/configmaps", json=body)
    assert answer.headers["Warning"] == '299 - "unknown field \\"bogus\\""'


def test_kubectl_gets_a_table(http: httpx.Client) -> None:
    accept = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}
    shown = http.get("/api/v1/namespaces", headers=accept).json()
    assert shown["kind"] == "Table"
    assert ["default", "Active"] in [row["cells"][:2] for row in shown["rows"]]


def test_a_body_may_be_too_large(http: httpx.Client) -> None:
    answer = http.post("/api/v1/namespaces/default/configmaps", content=b" " * (4 * 1024 * 1024))
    assert answer.status_code == 413


def test_verbs_that_make_no_sense_are_405(http: httpx.Client) -> None:
    assert http.post("/api/v1/pods", json={}).status_code == 405
    assert http.put("/api/v1/namespaces/default/pods", json={}).status_code == 405


def test_access_reviews_allow(http: httpx.Client) -> None:
    review = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
    answer = http.post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", json=review)
    assert answer.json()["status"]["allowed"] is True


class _Kubelet(BaseHTTPRequestHandler):
    """A node's log server: says what it was asked for, then one line more once the first was seen."""

    protocol_version = "HTTP/1.1"
    seen = threading.Event()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.endswith("/broken"):
            self.send_error(400, "no such instance")
            return
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(f"{parts.path} {json.dumps(parse_qs(parts.query), sort_keys=True)}\n")
        if "follow" in parts.query:
            self.seen.wait(60)
            self._chunk("later\n")
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def logged_pod(http: httpx.Client) -> Iterator[str]:
    """The path of the log of a pod whose node serves logs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Kubelet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": server.server_port}},
    }
    http.post("/api/v1/nodes", json={"metadata": {"name": "logging"}})
    headers = {"Content-Type": "application/merge-patch+json"}
    http.patch("/api/v1/nodes/logging/status", json={"status": status}, headers=headers)
    body = pod("logged")
    body["spec"] |= {"nodeName": "logging", "containers": [{"name": name, "image": "x"} for name in ("app", "broken")]}
    http.post("/api/v1/namespaces/default/pods", json=body)
    yield "/api/v1/namespaces/default/pods/logged/log"
    http.delete("/api/v1/namespaces/default/pods/logged?gracePeriodSeconds=0")
    http.delete("/api/v1/nodes/logging")
    server.shutdown()
    server.server_close()
    thread.join()


def test_logs_come_from_the_node(http: httpx.Client, logged_pod: str) -> None:
    text = http.get(logged_pod, params={"container": "app", "tailLines": 5, "bogus": 1}).text
    assert text == '/containerLogs/default/logged/app {"tailLines": ["5"]}\n'


def test_logs_can_be_followed(http: httpx.Client, logged_pod: str) -> None:
    with http.stream("GET", logged_pod, params={"container": "app", "follow": "true"}) as answer:
        lines = answer.iter_lines()
        assert next(lines)
        _Kubelet.seen.set()
        assert next(lines) == "later"


@pytest.mark.parametrize("params", [{}, {"container": "nobody"}, {"container": "broken"}])
def test_logs_that_cannot_be_had_are_refused(http: httpx.Client, logged_pod: str, params: dict[str, str]) -> None:
    assert http.get(logged_pod, params=params).status_code == 400


@pytest.fixture
def forgetful(tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a cluster that remembers three changes only."""
    with (
        running_in_thread(Options(TOKEN, history=3), tmp_path / "k"),
        httpx.Client(base_url=_server(tmp_path / "k"), headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60) as client,
    ):
        yield client


def test_a_watch_behind_history_is_gone(forgetful: httpx.Client) -> None:
    path = "/api/v1/namespaces/default/configmaps"
    version = forgetful.get(path).json()["metadata"]["resourceVersion"]
    for number in range(5):
        forgetful.post(path, json=config(f"c{number}"))
    event = forgetful.get(path, params={"watch": "true", "resourceVersion": version}).json()
    assert (event["type"], event["object"]["code"]) == ("ERROR", 410)


def test_pages_that_are_asked_for_too_late_are_gone(forgetful: httpx.Client) -> None:
    token = forgetful.get("/api/v1/namespaces", params={"limit": 1}).json()["metadata"]["continue"]
    for number in range(5):
        forgetful.post("/api/v1/namespaces/default/configmaps", json=config(f"c{number}"))
    answer = forgetful.get("/api/v1/namespaces", params={"limit": 1, "continue": token})
    assert (answer.status_code, answer.json()["reason"]) == (410, "Expired")


def test_stopping_ends_open_watches(tmp_path: Path) -> None:
    ended = threading.Event()

    def follow(server: str) -> None:
        with httpx.stream(
            "GET", f"{server}/api/v1/pods?watch=true", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        ) as answer:
            started.set()
            list(answer.iter_lines())
        ended.set()

    started = threading.Event()
    with running_in_thread(Options(TOKEN), tmp_path / "k"):
        thread = threading.Thread(target=follow, args=(_server(tmp_path / "k"),))
        thread.start()
        assert started.wait(60)
    assert ended.wait(60)
    thread.join()
