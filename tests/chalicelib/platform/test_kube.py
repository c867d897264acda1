"""The client of a cluster: what it sends, and what it makes of every answer."""

from __future__ import annotations

import http.server
import json
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

import pytest
import yaml

from chalicelib.platform.errors import ClusterUnavailable, Conflict, Failed, LostRace, Transient
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.platform.kubeanswers import error_for
from chalicelib.platform.kubeport import KINDS

TOKEN = "correct-horse-battery-staple"
CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "shop"}, "data": {"k": "v"}}


@dataclass
class Server:
    """An API server that gives one answer and remembers what it was asked."""

    status: int = 200
    body: str = "{}"
    silent: bool = False
    asked: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    port: int = 0

    def answer(self, status, body):
        self.status, self.body = status, body if isinstance(body, str) else json.dumps(body)


def handler_of(server, released):
    class Handler(http.server.BaseHTTPRequestHandler):
        def handle_any(self):
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.title(): value for name, value in self.headers.items()}
            server.asked.append((self.command, self.path, headers, self.rfile.read(length).decode()))
            if server.silent:
                released.wait(60)
                return
            body = server.body.encode()
            self.send_response(server.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_PATCH = do_DELETE = handle_any

        def log_message(self, *arguments):
            """Quiet."""

    return Handler


@pytest.fixture
def server():
    state, released = Server(), threading.Event()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(state, released)) as running:
        state.port = running.server_address[1]
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield state
        released.set()
        running.shutdown()
        thread.join()


def kubeconfig(path, port):
    cluster = {"server": f"http://cygni:{TOKEN}@127.0.0.1:{port}"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {"token": TOKEN}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }
    path.write_text(yaml.safe_dump(content))
    return str(path)


@pytest.fixture
def cluster(server, tmp_path):
    client = KubernetesCluster.from_kubeconfig(kubeconfig(tmp_path / "config", server.port), read_seconds=0.3)
    yield client
    client.close()


def status(code, reason, message, **details):
    return json.dumps({"kind": "Status", "code": code, "reason": reason, "message": message, "details": details})


def test_apply_is_a_forced_server_side_apply_as_cygni(cluster, server):
    server.answer(200, CONFIG_MAP)

    assert cluster.apply(CONFIG_MAP) == CONFIG_MAP

    method, path, headers, body = server.asked[0]
    assert (method, path) == ("PATCH", "/api/v1/namespaces/shop/configmaps/a?fieldManager=cygni&force=true")
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    assert json.loads(body) == CONFIG_MAP


def test_apply_may_leave_other_managers_their_fields(cluster, server):
    cluster.apply(CONFIG_MAP, force=False)

    assert server.asked[0][1].endswith("force=false")


def test_every_request_carries_the_kubeconfigs_token(cluster, server):
    cluster.get("Pod", "shop", "a")

    assert server.asked[0][2]["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("kind", "namespace", "path"),
    [
        ("Namespace", "", "/api/v1/namespaces/a"),
        ("Deployment", "shop", "/apis/apps/v1/namespaces/shop/deployments/a"),
        ("HTTPRoute", "shop", "/apis/gateway.networking.k8s.io/v1/namespaces/shop/httproutes/a"),
    ],
)
def test_an_object_is_asked_for_at_its_place_without_discovery(cluster, server, kind, namespace, path):
    cluster.get(kind, namespace, "a")

    assert [(method, asked) for method, asked, *_ in server.asked] == [("GET", path)]


def test_a_name_cannot_leave_its_place_in_the_path():
    assert KINDS["Pod"].path("shop", "../../secrets") == "/api/v1/namespaces/shop/pods/..%2F..%2Fsecrets"


def test_a_list_is_of_the_objects_with_all_the_labels(cluster, server):
    server.answer(200, {"items": [{"a": 1}]})

    assert cluster.list("Pod", "shop", {"b": "2", "a": "1"}) == ({"a": 1},)

    assert server.asked[0][1] == "/api/v1/namespaces/shop/pods?labelSelector=a%3D1%2Cb%3D2"


def test_events_are_those_about_the_named_object(cluster, server):
    cluster.events("shop", "web-1")

    assert server.asked[0][1] == "/api/v1/namespaces/shop/events?fieldSelector=involvedObject.name%3Dweb-1"


def test_deletion_takes_what_the_object_owns_in_the_background(cluster, server):
    assert cluster.delete("Deployment", "shop", "a")

    assert json.loads(server.asked[0][3])["propagationPolicy"] == "Background"


def test_a_log_is_asked_for_with_times_and_from_the_second_before(cluster, server):
    server.answer(200, "2026-01-01T00:00:00Z ü\n")
    since = datetime(2026, 1, 1, 2, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))

    text = cluster.pod_log("shop", "web-1", "app", since=since, tail=5, previous=True, limit_bytes=9)

    assert text == "2026-01-01T00:00:00Z ü\n"
    path, _, query = server.asked[0][1].partition("?")
    assert path == "/api/v1/namespaces/shop/pods/web-1/log"
    assert sorted(query.split("&")) == [
        "container=app",
        "limitBytes=9",
        "previous=true",
        "sinceTime=2026-01-01T00%3A00%3A00Z",
        "tailLines=5",
        "timestamps=true",
    ]


def test_the_version_is_read_once(cluster, server):
    server.answer(200, {"major": "1", "minor": "34+"})

    assert cluster.version() == cluster.version() == (1, 34)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("ask", "answer"),
    [
        (lambda cluster: cluster.get("Pod", "shop", "a"), None),
        (lambda cluster: cluster.delete("Pod", "shop", "a"), False),
        (lambda cluster: cluster.list("HTTPRoute", "shop", {}), ()),
        (lambda cluster: cluster.events("shop", "a"), ()),
        (lambda cluster: cluster.pod_log("shop", "a", "app"), ""),
    ],
    ids=["get", "delete", "list", "events", "pod_log"],
)
def test_what_is_absent_is_an_answer(cluster, server, ask, answer):
    server.answer(404, status(404, "NotFound", "not found"))

    assert ask(cluster) == answer


@pytest.mark.parametrize("code", [204, 400], ids=["no node yet", "not started yet"])
def test_a_container_that_has_no_log_yet_has_an_empty_one(cluster, server, code):
    server.answer(code, status(code, "BadRequest", 'container "app" is waiting to start') if code != 204 else "")

    assert cluster.pod_log("shop", "a", "app") == ""


def test_a_log_that_the_node_cannot_give_is_an_error(cluster, server):
    server.answer(500, status(500, "InternalError", "dial tcp 10.0.0.4:10250: i/o timeout"))

    with pytest.raises(ClusterUnavailable, match="i/o timeout"):
        cluster.pod_log("shop", "a", "app")


def test_an_answer_that_does_not_come_in_time_is_cluster_unavailable(cluster, server):
    server.silent = True

    with pytest.raises(ClusterUnavailable, match="ReadTimeout"):
        cluster.get("Pod", "shop", "a")
    assert len(server.asked) == 1


def test_a_refused_connection_is_cluster_unavailable_and_tells_no_credential(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        client = KubernetesCluster.from_kubeconfig(kubeconfig(tmp_path / "config", taken.getsockname()[1]))
        with pytest.raises(ClusterUnavailable) as refusal:
            client.get("Pod", "shop", "a")

    assert "127.0.0.1" in str(refusal.value)
    assert TOKEN not in str(refusal.value)


def test_an_overloaded_cluster_is_not_asked_again_at_once(cluster, server):
    server.answer(503, "<html>overloaded</html>")

    with pytest.raises(ClusterUnavailable, match="no reason given"):
        cluster.get("Pod", "shop", "a")
    assert len(server.asked) == 1


def test_an_answer_that_is_not_json_is_somebody_elses(cluster, server):
    server.answer(200, "<html>sign in</html>")

    with pytest.raises(ClusterUnavailable, match="not JSON"):
        cluster.get("Pod", "shop", "a")


@pytest.mark.parametrize("content", [None, "nonsense: [", "{}"], ids=["absent", "no YAML", "empty"])
def test_a_kubeconfig_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "config"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ClusterUnavailable, match=str(path)):
        KubernetesCluster.from_kubeconfig(str(path))


CLAIMED = {"causes": [{"reason": "FieldManagerConflict", "field": ".spec.replicas", "message": "conflict with hpa"}]}
TERMINATING = {"causes": [{"reason": "NamespaceTerminating", "field": "metadata.namespace", "message": "is being terminated"}]}
ANSWERS = {
    "server error": (500, "InternalError", {}, ClusterUnavailable),
    "time-out": (504, "Timeout", {}, ClusterUnavailable),
    "too many requests": (429, "TooManyRequests", {}, ClusterUnavailable),
    "namespace going": (403, "Forbidden", TERMINATING, ClusterUnavailable),
    "namespace gone": (404, "NotFound", {"kind": "namespaces"}, LostRace),
    "stale version": (409, "Conflict", {"kind": "configmaps"}, LostRace),
    "claimed field": (409, "Conflict", CLAIMED, Conflict),
    "no right": (403, "Forbidden", {}, Failed),
    "no credential": (401, "Unauthorized", {}, Failed),
    "invalid": (422, "Invalid", {}, Failed),
    "kind unknown": (404, "NotFound", {}, Failed),
}


@pytest.mark.parametrize(("code", "reason", "details", "error"), ANSWERS.values(), ids=ANSWERS)
def test_each_refusal_is_one_error_with_the_servers_sentence(code, reason, details, error):
    made = error_for(code, status(code, reason, "the server's sentence", **details), "Deployment web-r1")

    assert type(made) is error
    assert str(made) == f"The cluster answered {code} for Deployment web-r1: the server's sentence"
    assert made.remedy
    assert isinstance(made, Transient) == (error in (ClusterUnavailable, LostRace))


def test_a_refused_secret_is_told_by_its_fields_alone():
    causes = [{"field": "data[KEY]", "message": "illegal base64: hunter2"}]

    made = error_for(422, status(422, "Invalid", "hunter2 is no base64", causes=causes), "Secret web-r1")

    assert str(made) == "The cluster answered 422 for Secret web-r1: Invalid (data[KEY])"


def test_a_long_refusal_is_cut():
    assert len(str(error_for(422, status(422, "Invalid", "x" * 9000), "Deployment a"))) < 700


@pytest.mark.parametrize("text", ["", "[]", "null", '{"kind":"Other"}'])
def test_an_answer_without_a_status_still_makes_an_error(text):
    assert type(error_for(400, text, "Pod a")) is Failed


def test_importing_the_module_does_not_import_the_client():
    code = "import sys, chalicelib.platform.kube; print(sorted({'kubernetes', 'urllib3'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"


def test_times_are_sent_in_utc(cluster, server):
    cluster.pod_log("shop", "a", "app", since=datetime(2026, 1, 1, tzinfo=UTC))

    assert "sinceTime=2026-01-01T00%3A00%3A00Z" in server.asked[0][1]
