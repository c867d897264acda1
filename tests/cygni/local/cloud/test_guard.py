"""Who may speak to the embedded AWS."""

from __future__ import annotations

import pytest

from cygni.local.cloud.guard import HEALTH, admits

LOCAL = (b"host", b"127.0.0.1:4566")


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", [LOCAL]),
        ("/cygni/key", [(b"host", b"localhost:4566")]),
        ("/key", [(b"host", b"cygni.s3.localhost:4566")]),
        (HEALTH, [LOCAL]),
    ],
)
def test_our_own_processes_are_let_through(path: str, headers: list[tuple[bytes, bytes]]) -> None:
    assert admits(path, headers)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", [LOCAL, (b"origin", b"https://example.com")]),
        ("/", [LOCAL, (b"origin", b"http://127.0.0.1:8787")]),
        ("/", [LOCAL, (b"sec-fetch-site", b"cross-site")]),
        ("/", [(b"host", b"example.com:4566")]),
        ("/", [(b"host", b"127.0.0.1.example.com")]),
        ("/", [LOCAL, (b"host", b"example.com")]),
        ("/_ministack/reset", [LOCAL]),
        ("/_localstack/state/reset", [LOCAL]),
    ],
)
def test_what_a_browser_could_send_is_not(path: str, headers: list[tuple[bytes, bytes]]) -> None:
    assert not admits(path, headers)
