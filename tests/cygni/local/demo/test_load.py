"""The load generator against a server that answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cygni.local.demo.load import Load
from cygni.local.demo.tally import Seen


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    hosts: set[str]
    connections: set[tuple[str, int]]
    status = 200

    def do_GET(self) -> None:
        self.hosts.add(self.headers["Host"])
        self.connections.add(self.client_address)
        self.send_response_only(self.status)
        self.send_header("X-Cygni-Revision", "r7")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")


@contextmanager
def serving(status: int = 200) -> Iterator[tuple[int, type[Handler]]]:
    handler = type("Told", (Handler,), {"hosts": set(), "connections": set(), "status": status})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server.server_port, handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join(60)


def run(load: Load, until: Callable[[list[Seen]], Any]) -> list[Seen]:
    deadline = time.monotonic() + 60
    load.start()
    while not until(load.seen()) and time.monotonic() < deadline:
        time.sleep(0.01)
    load.stop()
    return load.seen()


def enough(seen: list[Seen]) -> bool:
    return len(seen) >= 40


def test_each_request_is_remembered_with_status_and_revision() -> None:
    with serving(status=503) as (port, _):
        seen = run(Load(f"http://127.0.0.1:{port}/", rate=400, workers=4), enough)

    assert {(each.status, each.revision) for each in seen} == {(503, "r7")}
    assert all(each.took > 0 for each in seen)


def test_a_localhost_name_is_dialled_on_loopback_and_said_as_host() -> None:
    with serving() as (port, handler):
        run(Load(f"http://hello.localhost:{port}", rate=400, workers=4), enough)

    assert handler.hosts == {f"hello.localhost:{port}"}


def test_connections_are_kept_alive() -> None:
    with serving() as (port, handler):
        seen = run(Load(f"http://127.0.0.1:{port}/", rate=400, workers=4), enough)

    assert len(handler.connections) <= 4 < len(seen)


def test_the_rate_is_kept() -> None:
    with serving() as (port, _):
        seen = run(Load(f"http://127.0.0.1:{port}/", rate=100, workers=4), lambda seen: len(seen) >= 30)

    sent = sorted(each.sent for each in seen)
    assert sent[29] - sent[0] >= 0.25


def test_no_answer_is_remembered_as_such() -> None:
    with serving() as (port, _):
        pass

    seen = run(Load(f"http://127.0.0.1:{port}/", rate=100, workers=2), lambda seen: len(seen) >= 3)

    assert all(each.status == 0 and not each.ok and each.error for each in seen)
