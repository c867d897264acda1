"""The HTTP server, in front of a small Chalice app."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest
from chalice import Chalice, Response

from chalicelib.api.edge import keep_request
from cygni.local.cloud.http import ApiServer, Served
from cygni.local.cloud.wire import Limits


class Gate:
    """Where requests to `/slow` wait. `begun` is set once the first is in hand."""

    def __init__(self) -> None:
        self.begun, self.open = threading.Event(), threading.Event()


def toy(gate: Gate | None = None, together: int = 1) -> Chalice:
    """`/slow` waits until its gate is open, `/meet` until there are so many requests in hand."""
    app = Chalice(app_name="toy", configure_logs=False)
    slot: dict[str, Any] = {}
    meeting = threading.Barrier(together)

    @app.middleware("http")
    def keep(event: Any, get_response: Any) -> Any:
        slot[threading.current_thread().name, threading.get_ident()] = event
        return keep_request(event, get_response)

    def asked() -> Any:
        return slot[threading.current_thread().name, threading.get_ident()]

    @app.route("/things/{name}", methods=["GET"])
    def get(name: str) -> Any:
        return {"name": name, "query": dict(asked().query_params or {}), "header": asked().headers.get("x-mark")}

    @app.route("/things", methods=["POST"], content_types=["*/*"])
    def post() -> Response:
        return Response(json.dumps({"size": len(asked().raw_body)}), status_code=201, headers={"ETag": '"7"'})

    @app.route("/gone", methods=["DELETE"])
    def gone() -> Response:
        return Response("", status_code=204)

    @app.route("/slow", methods=["GET"])
    def slow() -> str:
        if gate is not None:
            gate.begun.set()
            gate.open.wait(60)
        return "done"

    @app.route("/meet", methods=["GET"])
    def meet() -> str:
        meeting.wait(60)
        return "met"

    return app


class Broken:
    """An app that fails, as no Chalice app does."""

    routes: ClassVar[dict[str, Any]] = {"/": {"GET": None}}

    def __call__(self, event: Any, context: Any) -> Any:
        raise RuntimeError("secret detail")


PATIENT = Limits(body=1000, idle=60.0, head=60.0, body_time=60.0)
HURRIED = Limits(body=1000, idle=0.3, head=0.3, body_time=0.3)


def serve(app: Any, limits: Limits = PATIENT) -> ApiServer:
    server = ApiServer(Served(app, app.routes, lambda request_id: request_id), limits=limits, connections=8)
    server.start()
    return server


@pytest.fixture
def server() -> Iterator[ApiServer]:
    server = serve(toy())
    yield server
    server.stop(0.5)


@pytest.fixture
def hurried() -> Iterator[ApiServer]:
    server = serve(toy(), HURRIED)
    yield server
    server.stop(0.5)


@pytest.fixture
def client(server: ApiServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    yield connection
    connection.close()


def ask(client: http.client.HTTPConnection, method: str, path: str, **given: Any) -> tuple[int, Any, dict[str, str]]:
    client.request(method, path, **given)
    answer = client.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text.startswith(b"{") else text.decode(), dict(answer.getheaders())


def raw(server: ApiServer, *pieces: bytes, pause: float = 0.0) -> bytes:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        for piece in pieces:
            try:
                connection.sendall(piece)
            except ConnectionError:
                break
            time.sleep(pause)
        answer = b""
        with contextlib.suppress(ConnectionError):  # what was sent after the server had enough
            while piece := connection.recv(65536):
                answer += piece
        return answer


def test_a_request_reaches_the_app_and_its_answer_comes_back(client: http.client.HTTPConnection) -> None:
    status, value, headers = ask(client, "GET", "/things/a%20b?x=1", headers={"X-Mark": "m"})

    assert (status, value) == (200, {"name": "a b", "query": {"x": "1"}, "header": "m"})
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"]


def test_many_requests_share_one_connection(client: http.client.HTTPConnection) -> None:
    ask(client, "GET", "/things/one")
    first = client.sock
    ask(client, "POST", "/things", body=b"{}")

    assert client.sock is first is not None


def test_no_request_waits_for_a_delayed_acknowledgement(client: http.client.HTTPConnection) -> None:
    def once() -> float:
        begun = time.perf_counter()
        ask(client, "POST", "/things", body=b"{}")
        return time.perf_counter() - begun

    # What each of them would take at the least, however fast the machine, once the connection is no longer new.
    assert min([once() for _ in range(40)][20:]) < 0.04


def test_requests_run_side_by_side() -> None:
    server = serve(toy(together=4))

    def one() -> Any:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
            return ask(client, "GET", "/meet")[:2]

    with ThreadPoolExecutor(4) as threads:
        answers = [each.result() for each in [threads.submit(one) for _ in range(4)]]
    server.stop(0.5)

    assert answers == [(200, "met")] * 4


def test_what_is_not_there_is_a_problem(client: http.client.HTTPConnection) -> None:
    status, problem, headers = ask(client, "GET", "/nothing")

    assert (status, problem["code"], headers["Content-Type"]) == (404, "not-found", "application/problem+json")


def test_a_method_that_a_path_does_not_take_is_a_problem_that_names_the_others(client: http.client.HTTPConnection) -> None:
    status, problem, headers = ask(client, "DELETE", "/things")

    assert (status, problem["code"], headers["Allow"]) == (405, "method-not-allowed", "POST")


def test_an_answer_without_content_has_no_body_and_keeps_the_connection(client: http.client.HTTPConnection) -> None:
    status, body, headers = ask(client, "DELETE", "/gone")

    assert (status, body) == (204, "")
    assert "Content-Length" not in headers
    assert ask(client, "GET", "/things/x")[0] == 200


def test_an_answer_to_head_has_no_body(server: ApiServer) -> None:
    answer = raw(server, b"HEAD /things HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 405 ")
    assert answer.endswith(b"\r\n\r\n")


def test_a_body_in_chunks_is_put_together(client: http.client.HTTPConnection) -> None:
    status, value, headers = ask(client, "POST", "/things", body=iter([b"abc", b"de"]), encode_chunked=True)

    assert (status, value, headers["ETag"]) == (201, {"size": 5}, '"7"')


def test_a_client_that_asks_first_is_invited_to_send(server: ApiServer) -> None:
    head = b"POST /things HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"

    answer = raw(server, head, b"{}", pause=0.1)

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")


HEAD = b"POST /things HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (HEAD + b"Content-Length: 1001\r\n\r\n", 413),
        (HEAD + b"Content-Length: 1001\r\nExpect: 100-continue\r\n\r\n", 413),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n3E9\r\n", 413),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nab", 400),
        (HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (HEAD + b"Content-Length: -2\r\n\r\n", 400),
        (HEAD + b"Content-Length: 0x2\r\n\r\n", 400),
        (HEAD + b"Transfer-Encoding: gzip\r\n\r\n", 501),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (HEAD + b"X y: z\r\n\r\n", 400),
        (HEAD + b"no colon\r\n\r\n", 400),
        (HEAD + b"X: a\x00b\r\n\r\n", 400),
        (HEAD + b" folded: x\r\n\r\n", 400),
        (HEAD + b"X: " + b"y" * 20000 + b"\r\n\r\n", 431),
        (HEAD + b"X: y\r\n" * 101 + b"\r\n", 431),
        (b"POST /things HTTP/1.1\r\n\r\n", 400),
        (HEAD + b"Host: other\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
        (b"get / HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET things HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /a%zz HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /a\xff HTTP/1.1\r\nHost: h\r\n\r\n", 400),
        (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n", 400),
    ],
    ids=lambda value: (
        str(value)[:60] if isinstance(value, int) else value[-40:].decode("latin-1").encode("unicode_escape").decode()
    ),
)
def test_what_cannot_be_read_is_refused_with_a_problem(server: ApiServer, request_bytes: bytes, status: int) -> None:
    head, _, body = raw(server, request_bytes).partition(b"\r\n\r\n")

    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"Connection: close" in head
    problem = json.loads(body)
    assert problem["status"] == status
    assert problem["remedy"]


@pytest.mark.parametrize(
    "pieces", [[b"G", b"E", b"T", b" ", b"/", b" "], [HEAD + b"Content-Length: 9\r\n\r\n", b"a", b"b", b"c", b"d", b"e"]]
)
def test_a_request_that_drips_in_is_given_up_in_time(hurried: ApiServer, pieces: list[bytes]) -> None:
    assert raw(hurried, *pieces, pause=0.12).startswith(b"HTTP/1.1 408 ")


def test_a_client_that_says_nothing_is_let_go(hurried: ApiServer) -> None:
    assert raw(hurried) == b""


def test_requests_sent_at_once_are_answered_in_order(server: ApiServer) -> None:
    one, two = b"GET /things/a HTTP/1.1\r\nHost: h\r\n\r\n", b"GET /things/b HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"

    answer = raw(server, one + two)

    assert answer.index(b'"name":"a"') < answer.index(b'"name":"b"')


def test_an_http_1_0_client_is_answered_and_let_go(server: ApiServer) -> None:
    assert b"Connection: close" in raw(server, b"GET /things/a HTTP/1.0\r\n\r\n")


def test_one_connection_too_many_is_told_to_come_back(server: ApiServer) -> None:
    held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    try:
        answer = raw(server)  # connections are taken in the order in which they were made
    finally:
        for each in held:
            each.close()

    assert answer.startswith(b"HTTP/1.1 503 ")


def test_an_app_that_fails_is_a_problem_that_tells_no_details() -> None:
    server = serve(Broken())
    try:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as client:
            status, problem, _ = ask(client, "GET", "/")
    finally:
        server.stop(0)

    assert (status, problem["code"]) == (500, "internal")
    assert "secret" not in json.dumps(problem)


def test_stopping_lets_a_request_in_hand_end_and_lets_idle_clients_go() -> None:
    gate = Gate()
    server = serve(toy(gate))
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    idle = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    client.request("GET", "/slow")
    assert gate.begun.wait(60)
    stopping = threading.Thread(target=server.stop, args=(60,))
    stopping.start()

    assert idle.recv(10) == b""
    gate.open.set()
    assert client.getresponse().read() == b"done"

    stopping.join()
    idle.close()
    client.close()


def test_a_log_line_tells_no_query_and_no_header(client: http.client.HTTPConnection, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "cloud.http")

    ask(client, "GET", "/things/a?token=hush", headers={"Authorization": "Bearer hush"})

    deadline = time.monotonic() + 60
    while not caplog.messages and time.monotonic() < deadline:
        time.sleep(0.01)
    assert caplog.messages[0].startswith("GET /things/a 200 ")
    assert "hush" not in caplog.text
