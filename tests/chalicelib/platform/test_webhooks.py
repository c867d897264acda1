"""Asking an address of the user's own, and reaching nothing else by it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from chalicelib.platform import webhooks
from chalicelib.platform.webhooks import Answer, HttpWebhooks, printable

KNOWN = HttpWebhooks("localhost, 127.0.0.1")
QUESTION = {"deployment": "dep_1", "weight": 20}


class Asked:
    """A server that keeps what it was asked and says what a test wants."""

    def __init__(self) -> None:
        self.bodies: list[object] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda handler: say(handler, '{"pass": true}')
        asked = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                asked.answer(self)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/gate?x=1"


def say(handler: BaseHTTPRequestHandler, text: str, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(text.encode())), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(text.encode())


@pytest.fixture
def asked() -> Iterator[Asked]:
    found = Asked()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"pass": true}', Answer(True)),
        ('{"pass": false, "reason": "the queue\\n is long"}', Answer(False, "the queue is long")),
        ('{"pass": false, "reason": 7}', Answer(False)),
    ],
)
def test_yes_and_no_are_understood_with_their_reason(asked: Asked, text: str, answer: Answer) -> None:
    asked.answer = lambda handler: say(handler, text)

    assert KNOWN.ask(asked.url, QUESTION) == answer
    assert asked.bodies == [QUESTION]


@pytest.mark.parametrize("text", ["", "yes", "[]", "null", '{"pass": 1}', '{"pass": "true"}', "{}"])
def test_anything_else_is_no_verdict(asked: Asked, text: str) -> None:
    asked.answer = lambda handler: say(handler, text)

    assert KNOWN.ask(asked.url, QUESTION).passed is None


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_any_status_but_200_is_no_verdict_and_no_redirect_is_followed(asked: Asked, status: int) -> None:
    asked.answer = lambda handler: say(handler, "", status, Location=asked.url)

    assert KNOWN.ask(asked.url, QUESTION) == Answer(None, f"it answered with status {status}, not 200")
    assert len(asked.bodies) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:{port}/",
        "https://localhost:{port}/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]:{port}/",
        "https://10.0.0.1/",
        "https://[::ffff:127.0.0.1]:{port}/",
        "https://0.0.0.0:{port}/",
    ],
)
def test_a_private_address_is_not_connected_to(asked: Asked, url: str) -> None:
    answer = HttpWebhooks().ask(url.format(port=asked.server.server_port), QUESTION)

    assert answer.passed is None
    assert "is not a public one" in answer.reason
    assert asked.bodies == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}/", "ftp://localhost/", "file:///etc/passwd", "localhost", "https://"])
def test_only_https_is_spoken_to_strangers(asked: Asked, url: str) -> None:
    answer = HttpWebhooks().ask(url.format(port=asked.server.server_port), QUESTION)

    assert answer.passed is None
    assert answer.reason.startswith("its address")
    assert asked.bodies == []


def test_nobody_listening_is_no_verdict() -> None:
    assert KNOWN.ask("http://127.0.0.1:1/", QUESTION).passed is None
    assert KNOWN.ask("https://127.0.0.1:1/", QUESTION).passed is None
    assert HttpWebhooks().ask("https://no-such-host.invalid/", QUESTION).passed is None
    assert KNOWN.ask("http://localhost:99999/", QUESTION).passed is None


def test_an_answer_that_drips_is_cut(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "DEADLINE", 0.3)

    cut = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(1000):
            try:
                handler.wfile.write(b"y")
            except OSError:
                cut.set()
                return
            time.sleep(0.05)

    asked.answer = drip

    assert KNOWN.ask(asked.url, QUESTION).passed is None
    assert cut.wait(60)  # long before it had said all


def test_a_strangers_text_is_one_short_line() -> None:
    assert printable("a\n\x1b[31mb\u202e  c") == "a [31mb c"
    assert len(printable("x" * 5000)) == 200
