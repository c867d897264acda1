"""Clients of registered clusters against a TLS server that says what it was shown."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from chalicelib.platform.errors import ClusterUnavailable, Failed
from chalicelib.platform.kubeauth import Access, BearerToken, ClientCertificate, EntraClient
from chalicelib.platform.kubereach import connect
from cygni.local.controlplane.certificates import Certificates


@dataclass
class Server:
    """Its address, its authority, and what clients showed: tokens, and the names in certificates."""

    url: str
    authority: str
    tokens: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def person(name: str) -> ClientCertificate:
    """A certificate that vouches for itself."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    signed = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), True).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    text = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ClientCertificate(signed.public_bytes(pem).decode(), text.decode())


@contextmanager
def serving(folder: Path, trusted: str = "") -> Iterator[Server]:
    """A server of `/version`; with `trusted`, only for whom that certificate vouches. It takes any token but "revoked"."""
    keys = Certificates(folder).make()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.certificate, keys.key)
    if trusted:
        context.load_verify_locations(cadata=trusted)
        context.verify_mode = ssl.CERT_REQUIRED

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.tokens.append(self.headers.get("Authorization", ""))
            shown = self.connection.getpeercert()  # type: ignore[attr-defined]
            seen.names += [value for part in (shown or {}).get("subject", ()) for _, value in part]
            body = json.dumps({"major": "1", "minor": "34"}).encode()
            self.send_response(401 if seen.tokens[-1] == "Bearer revoked" else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    seen = Server(f"https://127.0.0.1:{server.server_port}", keys.authority.read_text())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield seen
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_token_is_sent_to_whom_the_authority_vouches_for(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        cluster = connect(Access(server.url, server.authority, BearerToken("t")), known=True)
        assert cluster.version() == (1, 34)
        cluster.close()

    assert server.tokens == ["Bearer t"]


def test_nothing_is_sent_to_anybody_else(tmp_path: Path) -> None:
    other = Certificates(tmp_path / "other").make().authority.read_text()
    with serving(tmp_path / "own") as server:
        for authority in (other, ""):
            cluster = connect(Access(server.url, authority, BearerToken("t")), known=True)
            with pytest.raises(ClusterUnavailable, match=r"SSLError|SSLCert"):
                cluster.version()
            cluster.close()

    assert server.tokens == []


def test_a_token_that_ends_is_followed_by_another_on_the_same_client(tmp_path: Path) -> None:
    answers = iter([{"access_token": "one", "expires_in": 30}, {"access_token": "two", "expires_in": 3600}])
    with serving(tmp_path) as server:
        access = Access(server.url, server.authority, EntraClient("t", "c", "s"))
        cluster = connect(access, known=True, post=lambda *_: next(answers))
        for _ in range(3):
            assert cluster._json("GET", "/version", "it")["minor"] == "34"
        cluster.close()

    assert server.tokens == ["Bearer one", "Bearer two", "Bearer two"]


def test_a_credential_that_is_not_taken_is_told_of_each_time_and_one_that_is_taken_is_not(tmp_path: Path) -> None:
    told: list[str] = []
    with serving(tmp_path) as server:
        for token in ("t", "revoked", "revoked"):
            access = Access(server.url, server.authority, BearerToken(token))
            cluster = connect(access, known=True, refused=lambda: told.append("refused"))
            with suppress(Failed):
                cluster.version()
            cluster.close()

    assert told == ["refused", "refused"]


def test_a_client_certificate_is_shown_and_left_on_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    me = person("cygni")
    with serving(tmp_path / "server", trusted=me.certificate) as server:
        cluster = connect(Access(server.url, server.authority, me), known=True)
        assert list((tmp_path / "tmp").iterdir()) == []
        assert cluster.version() == (1, 34)
        cluster.close()

    assert (server.names, server.tokens) == (["cygni"], [""])


def test_a_certificate_and_the_key_of_another_are_refused() -> None:
    mixed = ClientCertificate(person("a").certificate, person("b").key)

    with pytest.raises(Failed, match="do not belong together"):
        connect(Access("https://127.0.0.1:1", "", mixed), known=True)


@pytest.mark.parametrize(
    "server", ["https://127.0.0.1:6443", "https://10.0.0.1", "https://169.254.169.254", "https://[::1]:6443"]
)
def test_a_teams_address_leads_to_no_private_network(server: str) -> None:
    with pytest.raises(Failed, match="not a public one") as raised:
        connect(Access(server, "", BearerToken("t")), known=False)

    assert "CYGNI_CLUSTER_HOSTS" in raised.value.remedy
