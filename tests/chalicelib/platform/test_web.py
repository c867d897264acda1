"""Speaking to a sign-in provider that may be slow, wrong, or somebody else."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from chalicelib.platform.errors import ProviderRefused, ProviderUnavailable
from chalicelib.platform.web import LIMIT, get_json, get_list, is_trusted, post_form

Answer = Callable[[BaseHTTPRequestHandler], None]


class Provider:
    """A server that answers as a test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answer: Answer = say(200, {"hello": "there"})
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked = {"path": self.path, "headers": dict(self.headers), "body": body.decode()}
                provider.asked.append(asked)
                provider.answer(self)

            do_POST = do_GET

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]  # callers hang up on purpose
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def say(status: int, value: object, **headers: str) -> Answer:
    """An answer with this status and body, JSON unless it is bytes already."""
    body = value if isinstance(value, bytes) else json.dumps(value).encode()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, text in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), text)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def provider() -> Iterator[Provider]:
    provider = Provider()
    yield provider
    provider.stop()


def test_an_object_is_asked_for_and_read(provider: Provider) -> None:
    assert get_json(provider.url + "/user?x=1", {"Authorization": "Bearer t"}) == {"hello": "there"}

    asked = provider.asked[0]
    assert (asked["path"], asked["headers"]["Authorization"]) == ("/user?x=1", "Bearer t")
    assert asked["headers"]["Accept"] == "application/json"


def test_a_form_is_posted(provider: Provider) -> None:
    assert post_form(provider.url, {"code": "a b&c", "grant_type": "authorization_code"}) == {"hello": "there"}

    assert parse_qs(provider.asked[0]["body"]) == {"code": ["a b&c"], "grant_type": ["authorization_code"]}
    assert provider.asked[0]["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_provider_in_trouble_may_answer_later(provider: Provider, status: int) -> None:
    provider.answer = say(status, {"error": "server_error"})

    with pytest.raises(ProviderUnavailable, match=str(status)):
        get_json(provider.url)


@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_a_providers_no_comes_with_its_reason_whatever_the_status(provider: Provider, status: int) -> None:
    provider.answer = say(status, {"error": "authorization_pending", "error_description": "hush"})

    with pytest.raises(ProviderRefused) as told:
        post_form(provider.url, {"device_code": "secret-code"})
    assert told.value.reason == "authorization_pending"
    assert "hush" not in f"{told.value} {told.value.remedy}"


@pytest.mark.parametrize("reason", ["<script>", "a b", "x" * 65, ["a"], {"a": 1}, 7])
def test_a_reason_that_is_no_code_is_not_repeated(provider: Provider, reason: object) -> None:
    provider.answer = say(400, {"error": reason})

    with pytest.raises(ProviderRefused, match="status 400") as told:
        get_json(provider.url)
    assert told.value.reason == ""


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(provider: Provider, status: int) -> None:
    provider.answer = say(status, {}, Location=provider.url + "/elsewhere")

    with pytest.raises(ProviderRefused, match="elsewhere"):
        get_json(provider.url)
    assert len(provider.asked) == 1


@pytest.mark.parametrize("body", [b"", b"[1]", b"<html>", b'{"a":1,"a":2}', b'"text"', b"\xff"])
def test_what_is_no_json_object_is_no_answer(provider: Provider, body: bytes) -> None:
    provider.answer = say(200, body)

    with pytest.raises(ProviderUnavailable, match="not a JSON object"):
        get_json(provider.url)


def test_an_answer_that_is_too_large_is_not_read_to_its_end(provider: Provider) -> None:
    provider.answer = say(200, b'{"a":"' + b"x" * (64 * LIMIT) + b'"}')

    with pytest.raises(ProviderUnavailable, match="more than"):
        get_json(provider.url)


def test_a_packed_answer_is_not_unpacked(provider: Provider) -> None:
    import gzip

    provider.answer = say(200, gzip.compress(b'{"a":1}'), Content_Encoding="gzip")

    with pytest.raises(ProviderUnavailable):
        get_json(provider.url)
    assert provider.asked[0]["headers"]["Accept-Encoding"] == "identity"


def test_a_host_where_nobody_listens_may_answer_later(provider: Provider) -> None:
    provider.stop()

    with pytest.raises(ProviderUnavailable, match="does not answer"):
        get_json(provider.url + "/?code=hush")


def test_a_connection_that_breaks_off_may_hold_later(provider: Provider) -> None:
    provider.answer = say(200, b'{"a":1}', Content_Length="500")

    with pytest.raises(ProviderUnavailable):
        get_json(provider.url)


def test_a_header_that_http_cannot_carry_is_an_error_of_ours(provider: Provider) -> None:
    with pytest.raises(ProviderUnavailable) as told:
        get_json(provider.url, {"Authorization": "Bearer hush\r\nX-More: 1"})
    assert "hush" not in str(told.value)
    assert not provider.asked


def test_an_answer_in_pieces_is_put_together(provider: Provider) -> None:
    def pieces(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in (b'{"a"', b":1", b"}", b""):
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.flush()

    provider.answer = pieces

    assert get_json(provider.url) == {"a": 1}


@pytest.mark.slow
def test_a_provider_that_says_nothing_is_given_up_after_five_seconds(provider: Provider) -> None:
    released = threading.Event()
    provider.answer = lambda _: (released.wait(60), None)[-1]
    begun = time.monotonic()

    with pytest.raises(ProviderUnavailable):
        get_json(provider.url)
    assert time.monotonic() - begun > 4
    released.set()


@pytest.mark.slow
def test_a_provider_that_dribbles_is_given_up_after_ten_seconds(provider: Provider) -> None:
    def dribble(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(3000):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.1)

    provider.answer = dribble

    with pytest.raises(ProviderUnavailable, match="does not come to an end within 10 s"):
        get_json(provider.url)


@pytest.mark.parametrize(
    "url",
    [
        "https://accounts.example/token",
        "https://accounts.example:8443/",
        "http://127.0.0.1:8080/",
        "http://localhost/x",
        "http://[::1]:80/",
    ],
)
def test_https_and_this_machine_are_spoken_to(url: str) -> None:
    assert is_trusted(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://accounts.example/token",
        "http://127.0.0.1.evil.example/",
        "http://localhost.evil.example/",
        "http://2130706433/",
        "http://0.0.0.0/",
        "http://169.254.169.254/latest/meta-data",
        "https://user:pass@accounts.example/",
        "https://accounts.example\\@evil.example/",
        "https://accounts.example/#x",
        "https://acc\nounts.example/",
        "https://accounts.example/ x",
        "https://",
        "https:///path",
        "https://accounts.example:port/",
        "file:///etc/passwd",
        "ftp://accounts.example/",
        "//accounts.example/",
        "",
        "https://[::1",
        "https://accounts.example/" + "x" * 3000,
    ],
)
def test_no_other_address_is_spoken_to(url: str) -> None:
    assert not is_trusted(url)
    with pytest.raises(ProviderRefused, match="not an https address"):
        get_json(url)


def test_loopback_can_be_ruled_out() -> None:
    assert not is_trusted("http://127.0.0.1/", loopback=False)


def test_a_certificate_that_nobody_vouches_for_is_refused(provider: Provider, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))
    provider.server.socket = context.wrap_socket(provider.server.socket, server_side=True)

    with pytest.raises(ProviderUnavailable, match="SSLError"):
        get_json(provider.url.replace("http:", "https:"))
    assert not provider.asked


def self_signed(folder: Path) -> Path:
    """A file with a key and a certificate for 127.0.0.1 that vouches for itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path = folder / "self.pem"
    path.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    return path


def test_a_list_is_asked_for_and_read(provider: Provider) -> None:
    provider.answer = say(200, [{"email": "ada@example.test"}])

    assert get_list(provider.url + "/emails", {"Authorization": "Bearer t"}) == [{"email": "ada@example.test"}]
    assert provider.asked[0]["headers"]["Authorization"] == "Bearer t"


@pytest.mark.parametrize("value", [{"email": "x"}, "x", b"[1,", b""])
def test_what_is_no_list_is_no_answer(provider: Provider, value: object) -> None:
    provider.answer = say(200, value)

    with pytest.raises(ProviderUnavailable, match="not a JSON array"):
        get_list(provider.url)


@pytest.mark.parametrize(("status", "error"), [(404, ProviderRefused), (302, ProviderRefused), (503, ProviderUnavailable)])
def test_a_list_that_is_refused_is_told_like_anything_else(provider: Provider, status: int, error: type[Exception]) -> None:
    provider.answer = say(status, {"error": "no"})

    with pytest.raises(error):
        get_list(provider.url)
