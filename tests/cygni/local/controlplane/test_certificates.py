from __future__ import annotations

import socket
import ssl
import threading
from pathlib import Path

from cygni.local.controlplane.certificates import Certificates


def test_a_client_that_trusts_the_authority_reaches_a_server_on_loopback(tmp_path: Path) -> None:
    keys = Certificates(tmp_path / "keys").make()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys.certificate, keys.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            accepted, _ = listener.accept()
            with context.wrap_socket(accepted, server_side=True) as connection:
                connection.sendall(b"well")

        thread = threading.Thread(target=serve)
        thread.start()
        trust = ssl.create_default_context(cafile=str(keys.authority))
        with (
            socket.create_connection(listener.getsockname(), timeout=60) as plain,
            trust.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            assert secured.recv(10) == b"well"
        thread.join(60)


def test_private_keys_are_their_owners_alone(tmp_path: Path) -> None:
    keys = Certificates(tmp_path / "keys").make()

    assert [path.stat().st_mode & 0o077 for path in (keys.key, keys.accounts)] == [0, 0]
    assert keys.folder.stat().st_mode & 0o077 == 0


def test_another_start_has_another_authority_and_the_same_signing_key(tmp_path: Path) -> None:
    keys = Certificates(tmp_path)
    before = [path.read_bytes() for path in (keys.make().authority, keys.accounts)]
    after = [path.read_bytes() for path in (keys.make().authority, keys.accounts)]

    assert before[0] != after[0]
    assert before[1] == after[1]
