"""One layer tries a call again, or none: calls counted at an endpoint that fails every time."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import botocore.endpoint
import pytest

from chalicelib.builds.models import BUILD, BuildRecord, build_pk
from chalicelib.platform import aws, dynamodb
from chalicelib.platform.errors import (
    ClusterDown,
    ClusterUnavailable,
    CygniError,
    MetricsUnavailable,
    SecretsUnavailable,
    Throttled,
)
from chalicelib.platform.kube import KubernetesCluster
from chalicelib.platform.kubewatch import WatchedKubernetes
from chalicelib.platform.lambdas import Functions
from chalicelib.platform.prometheus import at, preset_metrics
from chalicelib.platform.secrets import Secrets
from chalicelib.platform.storage import Storage
from chalicelib.platform.store import team_store
from chalicelib.platform.table import Check, Put
from chalicelib.platform.workflows import Workflows

THROTTLED = (400, b'{"__type": "ThrottlingException", "message": "Rate exceeded"}')
SLOW_DOWN = (503, b"<Error><Code>SlowDown</Code></Error>")
BROKEN = (503, b"<html>no</html>")

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Endpoint:
    """Answers each request alike; None hangs up without an answer."""

    answer: tuple[int, bytes] | None
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def endpoint(answer: tuple[int, bytes] | None) -> Iterator[Endpoint]:
    made = Endpoint(answer)

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            made.asked.append(self.path)
            if made.answer is None:
                self.connection.close()
                return
            status, body = made.answer
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.0")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _any

        def log_message(self, *_: object) -> None:
            pass

        def handle(self) -> None:
            with suppress(OSError, ValueError):
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What botocore would have slept between its tries."""
    slept: list[float] = []

    class Clock:
        sleep = staticmethod(slept.append)

    monkeypatch.setattr(botocore.endpoint, "time", Clock)
    return slept


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Endpoint], None]]:
    """Has all of AWS be at an endpoint, for clients that are made from then on."""
    kept = (aws.client, dynamodb._shared)

    def put(where: Endpoint) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", where.url)
        for each in kept:
            each.cache_clear()

    yield put
    for each in kept:
        each.cache_clear()


def _record() -> BuildRecord:
    return BuildRecord(
        build_pk("t", "b"), BUILD, id="b", team="t", project="p", service="s", source="s", state="open", started_at=START
    )


AWS: dict[str, tuple[Callable[[], Any], int]] = {
    "a read of the store": (lambda: team_store("t").fetch(BuildRecord, build_pk("t", "b"), BUILD), 4),
    "a write": (lambda: team_store("t").commit([Put(_record())]), 4),
    "a transaction": (lambda: team_store("t").commit([Put(_record()), Check(BuildRecord, build_pk("t", "c"), BUILD)]), 4),
    "a download": (lambda: Storage("cygni").read_json("t/a"), 4),
    "the start of a workflow": (lambda: Workflows().start("cygni-deploy", "dep_1", {}), 4),
    "a call of a function": (lambda: Functions().call("cygni-logs", {}), 4),
    "a secret": (lambda: Secrets().read("cygni/signing-keys"), 3),
}


@pytest.mark.parametrize("answer", [THROTTLED, BROKEN, None], ids=["throttled", "broken", "silent"])
@pytest.mark.parametrize("name", AWS)
def test_what_aws_refuses_every_time_is_tried_by_its_client_and_then_told(
    name: str, answer: tuple[int, bytes] | None, here: Callable[[Endpoint], None], pauses: list[float]
) -> None:
    ask, calls = AWS[name]
    with endpoint(SLOW_DOWN if answer == THROTTLED and name == "a download" else answer) as there:
        here(there)

        with pytest.raises((Throttled, SecretsUnavailable)):
            ask()

    assert len(there.asked) == calls
    assert [pause <= 2**index for index, pause in enumerate(pauses)] == [True] * (calls - 1)
    assert len(set(pauses)) == len(pauses), "each is a random part of what it may be"


@pytest.mark.parametrize("answer", [BROKEN, None], ids=["broken", "silent"])
def test_a_cluster_is_asked_once_by_its_client(answer: tuple[int, bytes] | None, tmp_path: Path) -> None:
    with endpoint(answer) as there:
        cluster = KubernetesCluster.from_kubeconfig(_kubeconfig(tmp_path, there.url))
        for ask in (cluster.version, lambda: cluster.get("Pod", "a", "b"), lambda: cluster.delete("Pod", "a", "b")):
            with pytest.raises(ClusterUnavailable):
                ask()

    assert len(there.asked) == 3


@dataclass
class Keeper:
    """A door that is open or not, and what it heard."""

    open: bool = True
    heard: list[str] = field(default_factory=list)

    def admit(self) -> None:
        if not self.open:
            raise ClusterDown("Not now.")

    def answered(self) -> None:
        self.heard.append("answered")

    def missed(self) -> None:
        self.heard.append("missed")


@pytest.mark.parametrize(
    ("answer", "heard"),
    [
        (None, "missed"),
        (BROKEN, "missed"),
        ((504, b""), "missed"),
        ((200, b"{}"), "answered"),
        ((404, b"{}"), "answered"),
        ((403, b"{}"), "answered"),
        ((429, b"{}"), "answered"),
        ((500, b'{"kind": "Status", "message": "a webhook failed"}'), "answered"),
    ],
    ids=["silent", "503", "504", "200", "404", "403", "429", "500"],
)
def test_the_door_of_a_cluster_hears_whether_anybody_was_there(
    answer: tuple[int, bytes] | None, heard: str, tmp_path: Path
) -> None:
    keeper = Keeper()
    with endpoint(answer) as there, suppress(CygniError):
        KubernetesCluster.from_kubeconfig(_kubeconfig(tmp_path, there.url)).behind(keeper).get("Pod", "a", "b")

    assert keeper.heard == [heard]


def test_what_a_service_behind_the_proxy_says_is_no_silence_of_the_cluster(tmp_path: Path) -> None:
    keeper = Keeper()
    with endpoint(BROKEN) as there, pytest.raises(ClusterUnavailable):
        KubernetesCluster.from_kubeconfig(_kubeconfig(tmp_path, there.url)).behind(keeper).ask_service("a", "b:90", "/c", {})

    assert keeper.heard == ["answered"]


def test_a_door_that_is_closed_sends_nothing(tmp_path: Path) -> None:
    with endpoint(BROKEN) as there:
        cluster = KubernetesCluster.from_kubeconfig(_kubeconfig(tmp_path, there.url)).behind(Keeper(open=False))
        with pytest.raises(ClusterDown):
            WatchedKubernetes.of(cluster).changes("CygniService", {}, "1")

    assert there.asked == []


@pytest.mark.parametrize("answer", [BROKEN, None], ids=["broken", "silent"])
def test_metrics_are_asked_for_once(answer: tuple[int, bytes] | None) -> None:
    with endpoint(answer) as there, pytest.raises(MetricsUnavailable):
        preset_metrics(at(there.url), "envoy-gateway").read("ns", ["web-r1"])

    assert len(there.asked) == 1


def _kubeconfig(folder: Path, server: str) -> str:
    path = folder / "kubeconfig"
    context = {"name": "x", "context": {"cluster": "x", "user": "x"}}
    users = [{"name": "x", "user": {"token": "t"}}]
    config = {
        "current-context": "x",
        "contexts": [context],
        "users": users,
        "clusters": [{"name": "x", "cluster": {"server": server}}],
    }
    path.write_text(json.dumps(config))
    return str(path)
